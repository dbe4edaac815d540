-- What a run was calculated from, what it gave and what was paid: written once, for the owner too.
REVOKE UPDATE, DELETE ON
    subsidy_snapshot, subsidy_line, subsidy_run_event, subsidy_posting, subsidy_claim, subsidy_fact_version
    FROM datamarket_app;
REVOKE DELETE ON subsidy_run, scheme, scheme_version, subsidy_case, subsidy_budget FROM datamarket_app;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['subsidy_snapshot', 'subsidy_line', 'subsidy_run_event', 'subsidy_posting',
                                'subsidy_claim', 'subsidy_fact_version'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       kept || '_append_only', kept);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       kept || '_no_truncate', kept);
    END LOOP;
END
$$;

-- A run only ever learns: its snapshot, its result and its officers are set once.
CREATE FUNCTION subsidy_run_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.ledger_id, OLD.scheme_id, OLD.scheme_version_id, OLD.year, OLD.cutoff, OLD.created_by)
         IS DISTINCT FROM (NEW.id, NEW.ledger_id, NEW.scheme_id, NEW.scheme_version_id, NEW.year, NEW.cutoff, NEW.created_by)
       OR OLD.snapshot_id IS NOT NULL AND NEW.snapshot_id IS DISTINCT FROM OLD.snapshot_id
       OR OLD.engine_id IS NOT NULL AND NEW.engine_id IS DISTINCT FROM OLD.engine_id
       OR OLD.result_sha256 IS NOT NULL AND NEW.result_sha256 IS DISTINCT FROM OLD.result_sha256
       OR OLD.total_fen IS NOT NULL AND NEW.total_fen IS DISTINCT FROM OLD.total_fen
       OR OLD.calculated_by IS NOT NULL AND NEW.calculated_by IS DISTINCT FROM OLD.calculated_by
       OR OLD.reviewed_by IS NOT NULL AND NEW.reviewed_by IS DISTINCT FROM OLD.reviewed_by
       OR OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by
       OR OLD.publicity_to IS NOT NULL AND NEW.publicity_to IS DISTINCT FROM OLD.publicity_to THEN
        RAISE EXCEPTION 'a run never changes what it has learned'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_run_frozen';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER subsidy_run_keeps BEFORE UPDATE ON subsidy_run FOR EACH ROW EXECUTE FUNCTION subsidy_run_keeps();

-- A scheme file is not edited: another text is another version.
CREATE FUNCTION scheme_version_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.scheme_id, OLD.n, OLD.content, OLD.sha256) IS DISTINCT FROM
       (NEW.id, NEW.scheme_id, NEW.n, NEW.content, NEW.sha256)
       OR OLD.authored_by IS DISTINCT FROM NEW.authored_by THEN
        RAISE EXCEPTION 'a scheme version is not edited'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'append_only';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER scheme_version_keeps BEFORE UPDATE ON scheme_version
    FOR EACH ROW EXECUTE FUNCTION scheme_version_keeps();
