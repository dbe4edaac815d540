-- What a run gave and what was paid: written once, for the owner too.
CREATE OR REPLACE TRIGGER subsidy_line_append_only BEFORE UPDATE OR DELETE ON subsidy_line
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_line_no_truncate BEFORE TRUNCATE ON subsidy_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_run_event_append_only BEFORE UPDATE OR DELETE ON subsidy_run_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_run_event_no_truncate BEFORE TRUNCATE ON subsidy_run_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_posting_append_only BEFORE UPDATE OR DELETE ON subsidy_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subsidy_posting_no_truncate BEFORE TRUNCATE ON subsidy_posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A run only ever learns: its snapshot, its result and its officers are set once.
CREATE OR REPLACE FUNCTION subsidy_run_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.ledger_id, OLD.scheme_id, OLD.scheme_version_id, OLD.year, OLD.cutoff, OLD.actor_id)
         IS DISTINCT FROM (NEW.id, NEW.ledger_id, NEW.scheme_id, NEW.scheme_version_id, NEW.year, NEW.cutoff, NEW.actor_id)
       OR OLD.snapshot_id IS NOT NULL AND NEW.snapshot_id IS DISTINCT FROM OLD.snapshot_id
       OR OLD.turnover_from IS NOT NULL AND NEW.turnover_from IS DISTINCT FROM OLD.turnover_from
       OR OLD.engine_id IS NOT NULL AND NEW.engine_id IS DISTINCT FROM OLD.engine_id
       OR OLD.result_sha256 IS NOT NULL AND NEW.result_sha256 IS DISTINCT FROM OLD.result_sha256
       OR OLD.total_fen IS NOT NULL AND NEW.total_fen IS DISTINCT FROM OLD.total_fen
       OR OLD.calculated_by IS NOT NULL AND NEW.calculated_by IS DISTINCT FROM OLD.calculated_by
       OR OLD.reviewed_by IS NOT NULL AND NEW.reviewed_by IS DISTINCT FROM OLD.reviewed_by
       OR OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by
       OR OLD.posted_by IS NOT NULL AND NEW.posted_by IS DISTINCT FROM OLD.posted_by
       OR OLD.paid_by IS NOT NULL AND NEW.paid_by IS DISTINCT FROM OLD.paid_by
       OR OLD.closed_by IS NOT NULL AND NEW.closed_by IS DISTINCT FROM OLD.closed_by
       OR OLD.superseded_by_id IS NOT NULL AND NEW.superseded_by_id IS DISTINCT FROM OLD.superseded_by_id
       OR OLD.publicity_to IS NOT NULL AND NEW.publicity_to IS DISTINCT FROM OLD.publicity_to THEN
        RAISE EXCEPTION 'a run never changes what it has learned'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_run_frozen';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER subsidy_run_keeps BEFORE UPDATE ON subsidy_run FOR EACH ROW EXECUTE FUNCTION subsidy_run_keeps();
