-- Of all lists of a run's year: what is open, or rejected and may still be appealed on a day; and what was upheld after the run was opened.
CREATE OR REPLACE FUNCTION subsidy_run_objections(p_run uuid, p_on date) RETURNS TABLE (unsettled bigint, upheld bigint, newest_upheld uuid)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT count(*) FILTER (WHERE o.state IN ('filed', 'answered') OR o.state = 'rejected' AND o.appeal_by >= p_on AND NOT EXISTS (
                                  SELECT FROM subsidy_objection AS a WHERE a.appeal_of_id = o.id AND a.state <> 'withdrawn')),
           count(*) FILTER (WHERE o.state = 'upheld' AND o.decided_at >= r.created_at),
           (array_agg(o.id ORDER BY o.decided_at DESC) FILTER (WHERE o.state = 'upheld' AND o.decided_at >= r.created_at))[1]
      FROM subsidy_run AS r
      JOIN subsidy_run AS s ON (s.ledger_id, s.scheme_id, s.year) = (r.ledger_id, r.scheme_id, r.year)
      JOIN subsidy_objection AS o ON o.run_id = s.id
     WHERE r.id = p_run;
END
$$;
