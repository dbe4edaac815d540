CREATE OR REPLACE TRIGGER subsidy_claim_append_only BEFORE UPDATE OR DELETE ON subsidy_claim
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_claim_no_truncate BEFORE TRUNCATE ON subsidy_claim
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
