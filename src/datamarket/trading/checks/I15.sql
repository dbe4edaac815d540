-- zh: 被拒绝的请求不留痕迹：交易、使用、分录、退款、幂等键彼此齐全
-- en: a refused request changes nothing: trades, uses, entries, refunds and keys are all complete
-- seen: SELECT count(*) FROM contract_meter
SELECT 'meter ' || m.contract_id FROM contract_meter m
  LEFT JOIN (SELECT contract_id, sum(quantity) AS used FROM contract_use GROUP BY contract_id) u USING (contract_id)
 WHERE m.used <> coalesce(u.used, 0)
UNION ALL
SELECT 'use ' || u.id FROM contract_use u LEFT JOIN trade t ON t.use_id = u.id
 WHERE u.priced <> (t.id IS NOT NULL)
UNION ALL
SELECT 'entry without business ' || e.id FROM ledger_entry e
 WHERE e.ledger_id = :ledger_id
   AND (e.source_type = 'trade' AND NOT EXISTS (SELECT FROM trade t WHERE t.id = e.source_id)
        OR e.source_type = 'refund' AND NOT EXISTS (SELECT FROM refund r WHERE r.id = e.source_id))
UNION ALL
SELECT 'refunds of trade ' || t.id FROM trade t
  LEFT JOIN (SELECT trade_id, sum(amount_fen) AS back FROM refund GROUP BY trade_id) r ON r.trade_id = t.id
 WHERE t.ledger_id = :ledger_id AND t.refunded_fen <> coalesce(r.back, 0)
UNION ALL
SELECT 'refund without entry ' || r.id FROM refund r
 WHERE r.ledger_id = :ledger_id
   AND NOT EXISTS (SELECT FROM business_key k WHERE k.ledger_id = :ledger_id AND k.source_type = 'refund' AND k.source_id = r.id)
UNION ALL
SELECT 'key without answer ' || key FROM idempotency_key WHERE ledger_id = :ledger_id AND status IS NULL;
