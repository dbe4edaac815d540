-- zh: 每笔交易与其审计事件、合同和分录一致：金额、时间、双方、平台及分配各项
-- en: each trade is what its event, its contract and its entry say: amount, time, sides, venue, and every part of its split
-- seen: SELECT count(*) FROM trade WHERE ledger_id = :ledger_id
WITH told AS MATERIALIZED (
    SELECT subject_id, (facts ->> 'amount_fen')::bigint AS fen, (facts ->> 'entry_id')::uuid AS entry_id
      FROM audit_event WHERE action = 'trading.record'
), entry AS MATERIALIZED (
    SELECT e.source_id AS trade_id, e.id, e.effective_at, -sum(g.amount_fen) FILTER (WHERE a.kind = 'vat_payable') AS vat,
           -sum(g.amount_fen) FILTER (WHERE a.kind = 'venue_fee') AS fee,
           -sum(g.amount_fen) FILTER (WHERE a.kind IN ('treasury', 'supplying_income')) AS supplying,
           -sum(g.amount_fen) FILTER (WHERE a.kind = 'operator_income') AS operator,
           -sum(g.amount_fen) FILTER (WHERE a.kind = 'provider_income') AS provider
      FROM ledger_entry AS e
      JOIN ledger_leg AS g ON g.ledger_id = e.ledger_id AND g.period = e.period AND g.entry_id = e.id
      JOIN ledger_account AS a ON a.ledger_id = g.ledger_id AND a.id = g.account_id
     WHERE e.ledger_id = :ledger_id AND e.source_type = 'trade' AND e.kind = 'settlement' GROUP BY 1, 2, 3
)
SELECT 'trade ' || id || ': ' || flaw FROM (
    SELECT coalesce(t.id, e.subject_id) AS id,
           CASE WHEN t.id IS NULL THEN 'it is gone' WHEN e.subject_id IS NULL THEN 'no event made it' ELSE concat_ws(', ',
                CASE WHEN t.amount_fen <> e.fen THEN 'amount_fen' END,
                CASE WHEN l.id IS DISTINCT FROM e.entry_id OR l.effective_at <> t.occurred_at THEN 'entry' END,
                CASE WHEN (t.provider_id, t.buyer_id, t.venue_id, t.zone_id, t.product_id, t.category)
                          IS DISTINCT FROM (c.provider_id, c.buyer_id, c.venue_id, c.zone_id, c.product_id, c.category) THEN 'contract' END,
                CASE WHEN t.split <> jsonb_build_object('vat_fen', coalesce(l.vat, 0), 'venue_fee_fen', coalesce(l.fee, 0),
                          'supplying_fen', coalesce(l.supplying, 0), 'operator_fen', coalesce(l.operator, 0),
                          'provider_fen', coalesce(l.provider, 0)) THEN 'split' END) END AS flaw
      FROM trade AS t FULL JOIN told AS e ON e.subject_id = t.id
      LEFT JOIN contract AS c ON c.id = t.contract_id LEFT JOIN entry AS l ON l.trade_id = t.id
     WHERE coalesce(t.ledger_id, :ledger_id) = :ledger_id) AS compared
 WHERE flaw <> '';
