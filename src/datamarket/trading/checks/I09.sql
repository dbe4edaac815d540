-- zh: 分配各项之和等于交易金额，且与分录一致
-- en: the parts of every split add up to the gross, and to its entry
-- seen: SELECT count(*) FROM trade WHERE ledger_id = :ledger_id
SELECT t.id::text FROM trade t
  LEFT JOIN business_key k ON k.ledger_id = t.ledger_id AND k.source_type = 'trade' AND k.source_id = t.id
                          AND k.kind = 'settlement'
  LEFT JOIN (SELECT period, entry_id, sum(amount_fen) FILTER (WHERE amount_fen > 0) AS debit
               FROM ledger_leg WHERE ledger_id = :ledger_id GROUP BY period, entry_id) e
    ON e.period = k.period AND e.entry_id = k.entry_id
 WHERE t.ledger_id = :ledger_id
   AND ((SELECT sum(part.value::bigint) FROM jsonb_each_text(t.split) AS part) IS DISTINCT FROM t.amount_fen
        OR coalesce(e.debit, 0) <> t.amount_fen);
