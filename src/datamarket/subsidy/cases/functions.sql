-- A claim is given back once, and never otherwise changed.
CREATE OR REPLACE FUNCTION subsidy_claim_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.returned_at IS NOT NULL OR NEW.returned_at IS NULL
       OR (OLD.enterprise_id, OLD.subject, OLD.policy, OLD.line_id, OLD.claimed_at)
          IS DISTINCT FROM (NEW.enterprise_id, NEW.subject, NEW.policy, NEW.line_id, NEW.claimed_at) THEN
        RAISE EXCEPTION 'subsidy_claim is append-only: a claim is only given back, once: constraint "append_only"'
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

-- Whoever writes: a case begins unverified, by a known hand; what is revoked stays so; who entered it, and its code, never change.
CREATE OR REPLACE FUNCTION subsidy_case_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (NEW.state <> 'registered' OR NEW.registered_by IS NULL)
       OR TG_OP = 'UPDATE' AND (OLD.state = 'revoked' OR NEW.code <> OLD.code
                                OR NEW.registered_by IS DISTINCT FROM OLD.registered_by) THEN
        RAISE EXCEPTION 'a case is entered unverified by a known hand, keeps it and its code, and ends when it is revoked: constraint "subsidy_case_kept"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_case_kept';
    END IF;
    RETURN NEW;
END
$$;
-- Whoever writes: a case is promoted by another hand than entered or corrected it, and that it was is not unsaid.
CREATE OR REPLACE FUNCTION subsidy_case_promoted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM subsidy_case WHERE id = NEW.case_id AND NEW.promoted_by IN (registered_by, corrected_by)) THEN
        RAISE EXCEPTION 'a case is promoted by another hand than entered or corrected it: constraint "subsidy_case_hands_separate"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_case_hands_separate';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER subsidy_case_promoted BEFORE INSERT ON subsidy_case_promotion
    FOR EACH ROW EXECUTE FUNCTION subsidy_case_promoted();
CREATE OR REPLACE TRIGGER subsidy_case_promotion_append_only BEFORE UPDATE OR DELETE ON subsidy_case_promotion
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_case_keeps BEFORE INSERT OR UPDATE ON subsidy_case
    FOR EACH ROW EXECUTE FUNCTION subsidy_case_keeps();
