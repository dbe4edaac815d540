-- zh: 追回及其分期、收回、恢复与审计事件所记一致
-- en: recoveries, their instalments, receipts and restorations are what audit events tell
-- seen: SELECT count(*) FROM subsidy_recovery WHERE ledger_id = :ledger_id
WITH told AS MATERIALIZED (
    SELECT DISTINCT ON (t.key, r.key) t.key AS name, t.key || ' ' || r.key AS named, r.value AS row
      FROM audit_event AS e CROSS JOIN jsonb_each(e.facts -> 'rows') AS t CROSS JOIN jsonb_each(t.value) AS r
     WHERE e.action LIKE 'subsidy.%-recovery' AND t.key LIKE 'subsidy\_recovery%'
     ORDER BY t.key, r.key, (r.value ->> 'version')::integer DESC NULLS LAST, e.id DESC
), register AS (
    SELECT coalesce(e.named, 'subsidy_recovery ' || t.id) AS named, told_otherwise(t, e.row) AS flaw FROM subsidy_recovery AS t
      FULL JOIN told AS e ON e.named = 'subsidy_recovery ' || t.id WHERE coalesce(e.name, 'subsidy_recovery') = 'subsidy_recovery'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_recovery_instalment ' || t.recovery_id || '/' || t.n), told_otherwise(t, e.row)
      FROM subsidy_recovery_instalment AS t FULL JOIN told AS e ON e.named = 'subsidy_recovery_instalment ' || t.recovery_id || '/' || t.n
     WHERE coalesce(e.name, 'subsidy_recovery_instalment') = 'subsidy_recovery_instalment'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_recovery_restoration ' || t.id), told_otherwise(t, e.row) FROM subsidy_recovery_restoration AS t
      FULL JOIN told AS e ON e.named = 'subsidy_recovery_restoration ' || t.id
     WHERE coalesce(e.name, 'subsidy_recovery_restoration') = 'subsidy_recovery_restoration'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_recovery_receipt ' || t.id), told_otherwise(t, e.row) FROM subsidy_recovery_receipt AS t
      FULL JOIN told AS e ON e.named = 'subsidy_recovery_receipt ' || t.id WHERE coalesce(e.name, 'subsidy_recovery_receipt') = 'subsidy_recovery_receipt'
)
SELECT named || ': ' || flaw FROM register WHERE flaw IS NOT NULL;
