-- zh: 补贴基数等于已结算且未退款的交易，与交易记录和分录重算一致到分
-- en: the subsidy base is settled, non-reversed trades only: trades and ledger legs recompute it to the fen
-- seen: SELECT count(*) FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id JOIN subsidy_snapshot s ON s.id = r.snapshot_id WHERE r.ledger_id = :ledger_id AND r.state <> 'superseded' AND l.base_fact = 'net_platform_turnover'
-- Both ways take the cut-off, venues, relations and flagged sales that are stored with the snapshot: a later change of any of them
-- is drift and no breach. What is compared is the amount of money.
WITH line AS MATERIALIZED (
    SELECT l.id, l.uscc, l.enterprise_id, l.base_fen, r.id AS run_id, s.id AS snapshot_id
      FROM subsidy_line l
      JOIN subsidy_run r ON r.id = l.run_id
      JOIN subsidy_snapshot s ON s.id = r.snapshot_id
     WHERE r.ledger_id = :ledger_id AND r.state <> 'superseded' AND l.base_fact = 'net_platform_turnover'
), used AS MATERIALIZED (
    SELECT s.id, s.ledger_id, s.cutoff, s.as_of_recorded, s.venues, s.related, s.flagged,
           make_timestamptz(s.year, 1, 1, 0, 0, 0, 'Asia/Shanghai') AS since,
           make_timestamptz(s.year + 1, 1, 1, 0, 0, 0, 'Asia/Shanghai') AS until
      FROM subsidy_snapshot s WHERE s.id IN (SELECT snapshot_id FROM line)
), venue_of AS MATERIALIZED (
    SELECT s.id AS snapshot_id, (v ->> 'venue')::uuid AS venue_id,
           (v ->> 'since')::timestamp AT TIME ZONE 'Asia/Shanghai' AS since,
           (v ->> 'until')::timestamp AT TIME ZONE 'Asia/Shanghai' AS until
      FROM used s, jsonb_array_elements(s.venues) AS v
), relation AS MATERIALIZED (
    SELECT s.id AS snapshot_id, (r ->> 'a')::uuid AS a_id, (r ->> 'b')::uuid AS b_id,
           range_agg(tstzrange((r ->> 'from')::timestamp AT TIME ZONE 'Asia/Shanghai',
                               (r ->> 'to')::timestamp AT TIME ZONE 'Asia/Shanghai')) AS terms
      FROM used s, jsonb_array_elements(s.related) AS r GROUP BY s.id, a_id, b_id
), flag AS MATERIALIZED (
    SELECT s.id AS snapshot_id, (f ->> 'seller')::uuid AS seller, (f ->> 'buyer')::uuid AS buyer,
           range_agg(tstzrange((f ->> 'from')::timestamptz, (f ->> 'to')::timestamptz)) AS terms
      FROM used s, jsonb_array_elements(s.flagged) AS f WHERE f ? 'seller' GROUP BY s.id, seller, buyer
), counted AS MATERIALIZED (
    SELECT s.id AS snapshot_id, s.cutoff, t.id, t.provider_id, t.amount_fen
      FROM used s
      JOIN trade t ON t.ledger_id = s.ledger_id AND t.occurred_at >= s.since AND t.occurred_at < least(s.until, s.cutoff)
                  AND t.recorded_at <= s.as_of_recorded
      JOIN venue_of v ON v.snapshot_id = s.id AND v.venue_id = t.venue_id AND t.occurred_at >= v.since
                     AND (v.until IS NULL OR t.occurred_at < v.until)
      LEFT JOIN relation r ON r.snapshot_id = s.id AND r.a_id = t.provider_id AND r.b_id = t.buyer_id
      LEFT JOIN flag f ON f.snapshot_id = s.id AND f.seller = t.provider_id AND f.buyer = t.buyer_id
     WHERE NOT coalesce(r.terms @> t.occurred_at, false) AND NOT coalesce(f.terms @> t.occurred_at, false)
), by_trade AS (
    SELECT c.snapshot_id, c.provider_id, sum(c.amount_fen - coalesce(b.fen, 0)) AS fen
      FROM counted c
      LEFT JOIN (SELECT s.id AS snapshot_id, f.trade_id, sum(f.amount_fen) AS fen
                   FROM used s JOIN refund f ON f.ledger_id = s.ledger_id AND f.refunded_at < s.cutoff
                  GROUP BY s.id, f.trade_id) b ON b.snapshot_id = c.snapshot_id AND b.trade_id = c.id
     GROUP BY c.snapshot_id, c.provider_id
), settlement AS MATERIALIZED (
    SELECT c.snapshot_id, c.cutoff, c.provider_id, k.period, k.entry_id
      FROM counted c
      JOIN business_key k ON k.ledger_id = :ledger_id AND k.source_type = 'trade' AND k.source_id = c.id AND k.kind = 'settlement'
), entry AS (
    SELECT snapshot_id, provider_id, period, entry_id FROM settlement
    UNION ALL
    SELECT c.snapshot_id, c.provider_id, e.period, e.id
      FROM settlement c
      JOIN ledger_entry e ON e.ledger_id = :ledger_id AND e.reverses = c.entry_id AND e.kind = 'refund' AND e.effective_at < c.cutoff
), by_leg AS (
    SELECT e.snapshot_id, e.provider_id, sum(l.amount_fen) AS fen
      FROM entry e
      JOIN ledger_leg l ON l.ledger_id = :ledger_id AND l.period = e.period AND l.entry_id = e.entry_id
      JOIN ledger_account a ON a.ledger_id = :ledger_id AND a.id = l.account_id AND a.kind = 'buyer_funds'
     GROUP BY e.snapshot_id, e.provider_id
)
SELECT 'run ' || line.run_id || ' ' || line.uscc || ': base ' || coalesce(line.base_fen::text, '-')
       || ', trades ' || coalesce(by_trade.fen, 0) || ', legs ' || coalesce(by_leg.fen, 0)
  FROM line
  LEFT JOIN by_trade ON by_trade.snapshot_id = line.snapshot_id AND by_trade.provider_id = line.enterprise_id
  LEFT JOIN by_leg ON by_leg.snapshot_id = line.snapshot_id AND by_leg.provider_id = line.enterprise_id
 WHERE line.base_fen IS DISTINCT FROM coalesce(by_trade.fen, 0) OR line.base_fen IS DISTINCT FROM coalesce(by_leg.fen, 0);
