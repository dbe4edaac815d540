-- zh: 每次补贴运行及其方案、快照、结果、明细与收款人均与其审计事件所记一致
-- en: each subsidy run, its scheme, snapshot, result, lines and payees are what its audit events say
-- seen: SELECT count(*) FROM subsidy_run WHERE ledger_id = :ledger_id
SELECT 'run ' || r.id || ': ' || u.what || coalesce(' ' || u.named, '') || coalesce(', by ' || u.action || ' ' || u.event_id, '')
       || CASE WHEN e.xid >= coalesce((SELECT xid_below FROM seal_block WHERE ledger_id = :ledger_id ORDER BY number DESC LIMIT 1), 0)
               THEN ' (not sealed yet)' ELSE '' END
  FROM subsidy_run AS r CROSS JOIN LATERAL subsidy_run_unlike(r.id) AS u LEFT JOIN audit_event AS e ON e.id = u.event_id
 WHERE r.ledger_id = :ledger_id
UNION ALL
SELECT 'scheme version ' || id || ': sha256' FROM scheme_version WHERE sha256 <> encode(sha256(content), 'hex');
