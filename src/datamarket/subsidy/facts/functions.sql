-- What a run was calculated from: written once, for the owner too.
CREATE OR REPLACE TRIGGER subsidy_fact_version_append_only BEFORE UPDATE OR DELETE ON subsidy_fact_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_fact_version_no_truncate BEFORE TRUNCATE ON subsidy_fact_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_snapshot_append_only BEFORE UPDATE OR DELETE ON subsidy_snapshot
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_snapshot_no_truncate BEFORE TRUNCATE ON subsidy_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
