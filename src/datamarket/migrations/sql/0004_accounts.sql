-- Accounts.
SELECT;
