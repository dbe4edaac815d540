-- zh: 每笔出款恰有其状态所需的分录，金额与账户相符；批次合计等于其出款
-- en: every payout has exactly the entries of its state, of its amount and account; batches add up
-- seen: SELECT count(*) FROM payout WHERE ledger_id = :ledger_id
WITH posted AS (
    SELECT k.source_id, array_agg(k.kind::text ORDER BY k.kind) AS kinds,
           bool_and(l.debit_fen = p.amount_fen AND l.own_fen = CASE k.kind WHEN 'payout_sent' THEN p.amount_fen
                    WHEN 'payout_refused' THEN -p.amount_fen ELSE 0 END) AS agrees
      FROM business_key k
      JOIN payout p ON p.ledger_id = k.ledger_id AND p.id = k.source_id
      CROSS JOIN LATERAL (
           SELECT coalesce(sum(amount_fen) FILTER (WHERE amount_fen > 0), 0) AS debit_fen,
                  coalesce(sum(amount_fen) FILTER (WHERE account_id = p.account_id), 0) AS own_fen
             FROM ledger_leg WHERE ledger_id = :ledger_id AND period = k.period AND entry_id = k.entry_id) AS l
     WHERE k.ledger_id = :ledger_id AND k.source_type = 'payout' GROUP BY k.source_id
)
SELECT 'payout ' || p.id FROM payout p LEFT JOIN posted ON posted.source_id = p.id
 WHERE p.ledger_id = :ledger_id
   AND (coalesce(posted.kinds, '{}') <> CASE p.state
            WHEN 'sent' THEN ARRAY['payout_sent']
            WHEN 'executed' THEN ARRAY['payout_executed', 'payout_sent']
            WHEN 'refused' THEN ARRAY['payout_refused', 'payout_sent'] ELSE '{}' END
        OR NOT coalesce(posted.agrees, true))
UNION ALL
SELECT 'entry without payout ' || k.entry_id FROM business_key k
 WHERE k.ledger_id = :ledger_id AND k.source_type = 'payout'
   AND NOT EXISTS (SELECT FROM payout p WHERE p.ledger_id = :ledger_id AND p.id = k.source_id)
UNION ALL
SELECT 'batch ' || b.id FROM payout_batch b
  LEFT JOIN (SELECT batch_id, count(*) AS payouts, sum(amount_fen) AS total,
                    coalesce(sum(amount_fen) FILTER (WHERE state = 'executed'), 0) AS executed,
                    coalesce(sum(amount_fen) FILTER (WHERE state = 'refused'), 0) AS refused
               FROM payout WHERE ledger_id = :ledger_id GROUP BY batch_id) AS p ON p.batch_id = b.id
 WHERE b.ledger_id = :ledger_id
   AND (b.payouts, b.total_fen, b.executed_fen, b.refused_fen)
       IS DISTINCT FROM (p.payouts, p.total, p.executed, p.refused);
