-- Since when a contract stands without a break; until now, a use in flight was decided by what the contract was when it was written.
ALTER TABLE contract_meter ADD COLUMN stands_from TIMESTAMP WITH TIME ZONE;
UPDATE contract_meter SET stands_from = term_from;
ALTER TABLE contract_meter ALTER COLUMN stands_from SET NOT NULL;
DROP FUNCTION IF EXISTS contract_follow(uuid[]);
