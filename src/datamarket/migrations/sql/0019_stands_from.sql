-- Since when a contract stands without a break; until now, a use in flight was decided by what the contract was when it was written.
ALTER TABLE contract_meter ADD COLUMN stands_from TIMESTAMP WITH TIME ZONE;
UPDATE contract_meter SET stands_from = term_from;
ALTER TABLE contract_meter
    ALTER COLUMN stands_from SET NOT NULL,
    ADD CONSTRAINT contract_meter_from_check CHECK (stands_from >= term_from);
DROP FUNCTION IF EXISTS contract_follow(uuid[]);
