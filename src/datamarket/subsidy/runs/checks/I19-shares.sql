-- zh: 联合项目各企业的份额与审计事件所记一致
-- en: the shares of a joint project are what its audit events tell
-- seen: SELECT count(*) FROM subsidy_case
SELECT 'shares of case ' || c.code
  FROM subsidy_case AS c
  LEFT JOIN LATERAL (
       SELECT coalesce(e.facts -> 'after' -> 'shares', e.facts -> 'shares') AS told FROM audit_event AS e
        WHERE e.subject_id = c.id AND e.subject_type = 'case' AND e.action IN ('subsidy.register-case', 'subsidy.correct-case')
          AND (e.facts ? 'shares' OR e.facts -> 'after' ? 'shares')
        ORDER BY (e.facts -> 'rows' -> 'subsidy_case' -> c.id::text ->> 'version')::integer DESC NULLS LAST, e.id DESC LIMIT 1) AS e ON true
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(s.enterprise_id, s.numerator || '/' || s.denominator) AS held
         FROM subsidy_case_share AS s WHERE s.case_id = c.id) AS s ON true
 WHERE coalesce(e.told, '{}') <> coalesce(s.held, '{}');
