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

-- What a run stands on and gave, as digests of the rows as they are now: each event of the run keeps those that there are.
-- `payees` are the lines that get money, each by its id.
CREATE OR REPLACE FUNCTION subsidy_run_digests(p_run uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
    WITH line AS MATERIALIZED (
        SELECT id, position, amount_fen, sha256(convert_to(jsonb_build_array(
                   id, position, clause_id, candidate_id, enterprise_id, uscc, name, enterprise_zh, enterprise_en, status, base_fact,
                   base_fen, rank, rate, cap_fen, cap_bound, amount_fen, flags, steps)::text, 'UTF8')) AS digest
          FROM subsidy_line WHERE run_id = p_run)
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'scheme_sha256', encode(sha256(v.content), 'hex'),
               'snapshot_sha256', encode(sha256(s.content), 'hex'),
               'snapshot_row_sha256', encode(sha256(convert_to(jsonb_build_array(
                   s.id, s.ledger_id, s.year, extract(epoch FROM s.cutoff), extract(epoch FROM s.as_of_recorded), s.watermark,
                   s.sha256, s.facts, s.counts, s.parties, s.venues, s.related, s.flagged, s.rings)::text, 'UTF8')), 'hex'),
               'result_sha256', r.result_sha256,
               'total_fen', CASE WHEN r.result_sha256 IS NOT NULL THEN (SELECT coalesce(sum(amount_fen), 0) FROM line) END,
               'lines_sha256', (SELECT encode(sha256(string_agg(digest, ''::bytea ORDER BY position, id)), 'hex') FROM line),
               'payees', (SELECT jsonb_object_agg(id, encode(digest, 'hex')) FROM line WHERE amount_fen > 0)))
      FROM subsidy_run AS r JOIN scheme_version AS v ON v.id = r.scheme_version_id
      LEFT JOIN subsidy_snapshot AS s ON s.id = r.snapshot_id
     WHERE r.id = p_run);
END
$$;

-- What has become of an award: from its postings, its newest payment and what holds it; code and reason while the bank has refused it.
CREATE OR REPLACE FUNCTION subsidy_award_now(p_line uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
    SELECT jsonb_build_object('code', p.refusal_code, 'reason', p.refusal_reason, 'status', CASE
               WHEN k.kinds @> '{subsidy_paid}' OR k.set_off_fen = l.amount_fen THEN 'paid'
               WHEN h.state = 'forgone' THEN 'forgone'
               WHEN p.state = 'refused' THEN 'failed'
               WHEN p.state IN ('queued', 'sent') THEN 'instructed'
               WHEN k.kinds @> '{subsidy_approved}' THEN 'payable'
               WHEN r.state IN ('approved', 'posted', 'paying', 'paid', 'closed') THEN 'final'
               ELSE l.status END)
      FROM subsidy_line AS l JOIN subsidy_run AS r ON r.id = l.run_id
     CROSS JOIN LATERAL (SELECT coalesce(array_agg(kind::text), '{}') AS kinds, sum(amount_fen) FILTER (WHERE kind = 'subsidy_set_off') AS set_off_fen
                           FROM subsidy_posting WHERE line_id = l.id) AS k
      LEFT JOIN LATERAL (SELECT state, refusal_code, refusal_reason FROM payout
                          WHERE ledger_id = r.ledger_id AND award_id = l.id AND state <> 'cancelled'
                          ORDER BY state = 'refused', id DESC LIMIT 1) AS p ON true
      LEFT JOIN subsidy_award_hold AS h ON h.line_id = l.id AND h.state <> 'released'
     WHERE l.id = p_line);
END
$$;

-- In what a run is not what its audit events say, each once, and the first event that says so; `row` is of the newest that tells it.
CREATE OR REPLACE FUNCTION subsidy_run_unlike(p_run uuid) RETURNS TABLE (what text, named text, event_id uuid, action text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH event AS MATERIALIZED (
        SELECT id, subject_type, e.action, facts FROM audit_event AS e
         WHERE subject_id = p_run AND subject_type IN ('run', 'register')),
    now AS MATERIALIZED (SELECT subsidy_run_digests(p_run) AS digests)
    (SELECT DISTINCT ON (t.key) t.key, CASE WHEN t.key = 'payees' THEN (
                       SELECT string_agg(coalesce(o.key, n.key), ', ' ORDER BY coalesce(o.key, n.key)) FROM jsonb_each(t.value) AS o
                         FULL JOIN jsonb_each(coalesce(now.digests -> 'payees', '{}')) AS n USING (key)
                        WHERE o.value IS DISTINCT FROM n.value) END, e.id, e.action::text
      FROM event AS e CROSS JOIN now CROSS JOIN jsonb_each(e.facts) AS t
     WHERE t.key IN ('scheme_sha256', 'snapshot_sha256', 'snapshot_row_sha256', 'result_sha256', 'total_fen', 'lines_sha256', 'payees')
       AND t.value IS DISTINCT FROM now.digests -> t.key ORDER BY t.key, e.id)
    UNION ALL
    SELECT 'row', told_otherwise(r, l.told), l.id, l.action::text
      FROM subsidy_run AS r
      JOIN LATERAL (SELECT e.id, e.action, e.facts -> 'rows' -> 'subsidy_run' -> p_run::text AS told FROM event AS e
                     WHERE e.facts -> 'rows' -> 'subsidy_run' ? p_run::text
                     ORDER BY (e.facts -> 'rows' -> 'subsidy_run' -> p_run::text ->> 'version')::integer DESC LIMIT 1) AS l ON true
     WHERE r.id = p_run AND told_otherwise(r, l.told) IS NOT NULL
    UNION ALL
    SELECT 'events', e.n || ' of ' || r.version, NULL, NULL
      FROM subsidy_run AS r CROSS JOIN (SELECT count(*) AS n FROM event WHERE subject_type = 'run') AS e WHERE r.id = p_run AND r.version <> e.n;
END
$$;

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
        RAISE EXCEPTION 'a run never changes what it has learned: constraint "subsidy_run_frozen"'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subsidy_run_frozen';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER subsidy_run_keeps BEFORE UPDATE ON subsidy_run FOR EACH ROW EXECUTE FUNCTION subsidy_run_keeps();
