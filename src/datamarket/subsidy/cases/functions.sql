-- A claim is given back once, and never otherwise changed.
CREATE OR REPLACE FUNCTION subsidy_claim_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.returned_at IS NOT NULL OR NEW.returned_at IS NULL
       OR (OLD.enterprise_id, OLD.subject, OLD.policy, OLD.line_id, OLD.claimed_at)
          IS DISTINCT FROM (NEW.enterprise_id, NEW.subject, NEW.policy, NEW.line_id, NEW.claimed_at) THEN
        RAISE EXCEPTION 'subsidy_claim is append-only: a claim is only given back, once'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER subsidy_claim_keeps BEFORE UPDATE ON subsidy_claim
    FOR EACH ROW EXECUTE FUNCTION subsidy_claim_keeps();
CREATE OR REPLACE TRIGGER subsidy_claim_append_only BEFORE DELETE ON subsidy_claim
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_claim_no_truncate BEFORE TRUNCATE ON subsidy_claim
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
