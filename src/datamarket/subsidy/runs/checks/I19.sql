-- zh: 补贴所依据的各登记簿（主体及其状态、控制关系、平台、账户、案例及其晋级、申领、诚信疑点、申报明细、异议、预算、方案、运行事件、记账、奖补出款、合同价款、已存应答）与审计事件所记一致
-- en: the registers that a subsidy stands on are what audit events tell: no row changed, gone, or made by no event
-- seen: SELECT count(*) FROM audit_event WHERE action <> 'trading.record' AND facts ? 'rows'
-- An action keeps the rows that it made or changed in its event, under `rows`; of each row the newest event counts.
WITH told AS MATERIALIZED (
    SELECT DISTINCT ON (t.key, r.key) t.key || ' ' || r.key AS named, t.key AS name, r.value AS row, e.xid
      FROM audit_event AS e CROSS JOIN jsonb_each(e.facts -> 'rows') AS t CROSS JOIN jsonb_each(t.value) AS r
     WHERE e.action <> 'trading.record' AND e.facts ? 'rows'
     ORDER BY t.key, r.key, coalesce(r.value ->> 'version', r.value ->> 'terms_number')::integer DESC NULLS LAST,
              coalesce(r.value ->> 'to_at', r.value ->> 'returned_at') IS NOT NULL DESC, e.id DESC
), register AS (
    SELECT coalesce(e.named, 'participant ' || t.id) AS named, e.xid, told_otherwise(t, e.row) AS flaw
      FROM participant AS t FULL JOIN told AS e ON e.named = 'participant ' || t.id WHERE coalesce(e.name, 'participant') = 'participant'
    UNION ALL
    SELECT coalesce(e.named, 'participant_standing ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM participant_standing AS t FULL JOIN told AS e ON e.named = 'participant_standing ' || t.id WHERE coalesce(e.name, 'participant_standing') = 'participant_standing'
    UNION ALL
    SELECT coalesce(e.named, 'affiliation ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM affiliation AS t FULL JOIN told AS e ON e.named = 'affiliation ' || t.id WHERE coalesce(e.name, 'affiliation') = 'affiliation'
    UNION ALL
    SELECT coalesce(e.named, 'venue ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM venue AS t FULL JOIN told AS e ON e.named = 'venue ' || t.id WHERE coalesce(e.name, 'venue') = 'venue'
    UNION ALL
    SELECT coalesce(e.named, 'account ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM account AS t FULL JOIN told AS e ON e.named = 'account ' || t.id WHERE coalesce(e.name, 'account') = 'account'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_case ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM subsidy_case AS t FULL JOIN told AS e ON e.named = 'subsidy_case ' || t.id WHERE coalesce(e.name, 'subsidy_case') = 'subsidy_case'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_case_promotion ' || t.case_id || '/' || t.n), e.xid, told_otherwise(t, e.row)
      FROM subsidy_case_promotion AS t FULL JOIN told AS e ON e.named = 'subsidy_case_promotion ' || t.case_id || '/' || t.n
     WHERE coalesce(e.name, 'subsidy_case_promotion') = 'subsidy_case_promotion'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_claim ' || t.key), e.xid, told_otherwise(t.c, e.row)
      FROM (SELECT c, enterprise_id || '/' || subject || '/' || to_char(claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS key
              FROM subsidy_claim AS c) AS t
      FULL JOIN told AS e ON e.named = 'subsidy_claim ' || t.key WHERE coalesce(e.name, 'subsidy_claim') = 'subsidy_claim'
    UNION ALL
    SELECT coalesce(e.named, 'integrity_flag ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM integrity_flag AS t FULL JOIN told AS e ON e.named = 'integrity_flag ' || t.id WHERE coalesce(e.name, 'integrity_flag') = 'integrity_flag'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_declared_item ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM subsidy_declared_item AS t FULL JOIN told AS e ON e.named = 'subsidy_declared_item ' || t.id WHERE coalesce(e.name, 'subsidy_declared_item') = 'subsidy_declared_item'
    UNION ALL
    SELECT coalesce(e.named, 'venue_qualification ' || t.venue_id || '/' || t.version), e.xid, told_otherwise(t, e.row)
      FROM venue_qualification AS t FULL JOIN told AS e ON e.named = 'venue_qualification ' || t.venue_id || '/' || t.version WHERE coalesce(e.name, 'venue_qualification') = 'venue_qualification'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_award_hold ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM subsidy_award_hold AS t FULL JOIN told AS e ON e.named = 'subsidy_award_hold ' || t.id WHERE coalesce(e.name, 'subsidy_award_hold') = 'subsidy_award_hold'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_objection ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM subsidy_objection AS t FULL JOIN told AS e ON e.named = 'subsidy_objection ' || t.id WHERE coalesce(e.name, 'subsidy_objection') = 'subsidy_objection'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_budget ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM subsidy_budget AS t FULL JOIN told AS e ON e.named = 'subsidy_budget ' || t.id WHERE coalesce(e.name, 'subsidy_budget') = 'subsidy_budget'
    UNION ALL
    SELECT coalesce(e.named, 'scheme_version ' || t.id), e.xid, told_otherwise(t, e.row)
      FROM scheme_version AS t FULL JOIN told AS e ON e.named = 'scheme_version ' || t.id WHERE coalesce(e.name, 'scheme_version') = 'scheme_version'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_run_event ' || t.run_id || '/' || t.n), e.xid, told_otherwise(t, e.row)
      FROM subsidy_run_event AS t FULL JOIN told AS e ON e.named = 'subsidy_run_event ' || t.run_id || '/' || t.n WHERE coalesce(e.name, 'subsidy_run_event') = 'subsidy_run_event'
    UNION ALL
    SELECT coalesce(e.named, 'subsidy_posting ' || t.line_id || '/' || t.kind), e.xid, told_otherwise(t, e.row)
      FROM subsidy_posting AS t FULL JOIN told AS e ON e.named = 'subsidy_posting ' || t.line_id || '/' || t.kind WHERE coalesce(e.name, 'subsidy_posting') = 'subsidy_posting'
    UNION ALL
    SELECT coalesce(e.named, 'payout ' || (t.p).ledger_id || '/' || (t.p).id), e.xid, told_otherwise(t.p, e.row)
      FROM (SELECT p FROM payout AS p WHERE award_id IS NOT NULL) AS t (p)
      FULL JOIN told AS e ON e.named = 'payout ' || (t.p).ledger_id || '/' || (t.p).id WHERE coalesce(e.name, 'payout') = 'payout'
    UNION ALL
    SELECT coalesce(e.named, 'contract ' || (t.c).id), e.xid, told_otherwise(t.c, e.row)
      FROM (SELECT c FROM contract AS c JOIN contract_meter AS m ON m.contract_id = c.id) AS t (c)
      FULL JOIN told AS e ON e.named = 'contract ' || (t.c).id WHERE coalesce(e.name, 'contract') = 'contract'
    UNION ALL
    SELECT e.named, e.xid, CASE WHEN k.key IS NULL THEN 'it is gone' ELSE 'another answer' END
      FROM told AS e
      LEFT JOIN idempotency_key AS k ON e.named = 'idempotency_key ' || k.ledger_id || '/' || k.caller || '/' || k.key
     WHERE e.name = 'idempotency_key'
       AND (encode(k.fingerprint, 'hex'), k.status, encode(sha256(k.body), 'hex'), k.etag) IS DISTINCT FROM
           (e.row ->> 'fingerprint', (e.row ->> 'status')::integer, e.row ->> 'body', e.row ->> 'etag')
)
SELECT named || ': ' || flaw
       || CASE WHEN xid >= coalesce((SELECT xid_below FROM seal_block WHERE ledger_id = :ledger_id ORDER BY number DESC LIMIT 1), 0) THEN ' (not sealed yet)' ELSE '' END
  FROM register WHERE flaw IS NOT NULL;
