-- zh: 项目补贴基数等于核定事件所记投资额减快照所存已确认疑点所涉部分
-- en: the base of a project is the investment that its verification tells, less what the flags stored with the snapshot take off
-- seen: SELECT count(*) FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id WHERE r.ledger_id = :ledger_id AND r.state <> 'superseded' AND l.base_fact = 'verified_investment'
WITH line AS MATERIALIZED (
    SELECT l.run_id, l.candidate_id, l.base_fen, split_part(l.candidate_id, '/', 1) AS code, s.as_of_recorded, s.flagged
      FROM subsidy_line AS l JOIN subsidy_run AS r ON r.id = l.run_id JOIN subsidy_snapshot AS s ON s.id = r.snapshot_id
     WHERE r.ledger_id = :ledger_id AND r.state <> 'superseded' AND l.base_fact = 'verified_investment' AND l.base_fen IS NOT NULL
), judged AS (
    SELECT line.*, v.fen AS verified_fen,
           greatest(coalesce(sum(f.fen) FILTER (WHERE f.kind = 'invoice'), 0), coalesce(sum(f.fen) FILTER (WHERE f.kind = 'contract'), 0))
           + coalesce(max(f.fen) FILTER (WHERE f.kind IS NULL), 0) AS flagged_fen
      FROM line JOIN subsidy_case AS c ON c.code = line.code
      LEFT JOIN LATERAL (
           SELECT (e.facts -> 'rows' -> 'subsidy_case' -> c.id::text ->> 'investment_fen')::bigint AS fen FROM audit_event AS e
            WHERE e.subject_id = c.id AND (e.action = 'subsidy.verify-case' AND e.at <= line.as_of_recorded OR e.action = 'evidence.take-over')
            ORDER BY (e.facts -> 'rows' -> 'subsidy_case' -> c.id::text ->> 'version')::integer DESC NULLS LAST LIMIT 1) AS v ON true
      LEFT JOIN LATERAL jsonb_to_recordset(line.flagged) AS f ("case" text, kind text, fen bigint) ON f."case" = line.code
     GROUP BY line.run_id, line.candidate_id, line.base_fen, line.code, line.as_of_recorded, line.flagged, v.fen
)
SELECT 'run ' || run_id || ' ' || candidate_id || ': base ' || base_fen || ', verified ' || coalesce(verified_fen::text, '-') || ', flagged ' || flagged_fen
  FROM judged WHERE base_fen IS DISTINCT FROM greatest(verified_fen - flagged_fen, 0);
