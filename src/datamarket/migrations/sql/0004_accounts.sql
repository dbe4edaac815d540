-- What was set by somebody else opens nothing but the choice of one's own.
ALTER TABLE account ADD COLUMN password_temporary BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE account ALTER COLUMN password_temporary DROP DEFAULT;

-- Name, organisation and roles are given once: who needs others gets another account, and this one is closed.
REVOKE UPDATE, DELETE ON account FROM datamarket_app;
GRANT UPDATE (password_hash, password_temporary, active, version) ON account TO datamarket_app;
