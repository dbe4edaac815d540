-- zh: 未了结的争议不超过交易的余额，其冻结仍在；了结后冻结已解，处理结果即其退款
-- en: an open dispute is within what is left of its trade and keeps its hold; a closed one has none, and its outcome is its refund
-- seen: SELECT count(*) FROM trade_dispute WHERE ledger_id = :ledger_id
SELECT 'beyond its trade ' || d.id FROM trade_dispute d JOIN trade t ON t.id = d.trade_id
 WHERE d.ledger_id = :ledger_id AND d.closed_at IS NULL AND d.amount_fen > t.amount_fen - t.refunded_fen
UNION ALL
SELECT 'parties of ' || d.id FROM trade_dispute d JOIN trade t ON t.id = d.trade_id
 WHERE d.ledger_id = :ledger_id AND (d.ledger_id, d.buyer_id, d.provider_id) IS DISTINCT FROM (t.ledger_id, t.buyer_id, t.provider_id)
UNION ALL
SELECT 'hold of dispute ' || d.id FROM trade_dispute d
  JOIN ledger_hold h ON h.ledger_id = d.ledger_id AND h.id = d.hold_id
 WHERE d.ledger_id = :ledger_id
   AND ((h.source_type, h.source_id) IS DISTINCT FROM ('dispute', d.id) OR h.amount_fen > d.amount_fen
        OR h.state <> CASE WHEN d.closed_at IS NULL THEN 'held' ELSE 'voided' END)
UNION ALL
SELECT 'hold without dispute ' || h.id FROM ledger_hold h
 WHERE h.ledger_id = :ledger_id AND h.source_type = 'dispute'
   AND NOT EXISTS (SELECT FROM trade_dispute d WHERE d.ledger_id = h.ledger_id AND d.hold_id = h.id)
UNION ALL
SELECT 'refund of dispute ' || d.id FROM trade_dispute d LEFT JOIN refund r ON r.id = d.refund_id
 WHERE d.ledger_id = :ledger_id AND d.outcome_fen > 0
   AND (r.trade_id, r.amount_fen) IS DISTINCT FROM (d.trade_id, d.outcome_fen);
