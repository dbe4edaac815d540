-- A contract that has moved, or has other terms: whoever negotiates it as a connector is looked after at once, whoever moved it.
CREATE OR REPLACE FUNCTION dataspace_follow_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dataspace_negotiation AS n SET due_at = 'epoch', failures = 0, version = n.version + 1 WHERE n.contract_id = new.id;
    UPDATE transfer_process AS t SET due_at = 'epoch', failures = 0, version = t.version + 1
     WHERE t.contract_id = new.id AND t.state NOT IN ('completed', 'terminated');
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER dataspace_follow_contract AFTER UPDATE OF state, terms_number ON contract
    FOR EACH ROW WHEN ((old.state, old.terms_number) IS DISTINCT FROM (new.state, new.terms_number))
    EXECUTE FUNCTION dataspace_follow_contract();

-- A contract that stands until another instant: its transfers are looked after then.
CREATE OR REPLACE FUNCTION dataspace_follow_meter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE transfer_process AS t SET due_at = new.stands_until, version = t.version + 1
     WHERE t.contract_id = new.contract_id AND t.state NOT IN ('completed', 'terminated');
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER dataspace_follow_meter AFTER UPDATE OF stands_until ON contract_meter
    FOR EACH ROW WHEN (old.stands_until IS DISTINCT FROM new.stands_until)
    EXECUTE FUNCTION dataspace_follow_meter();
