"""What trades and the books promise each other, recomputed from the rows ($1 = ledger)."""

from datamarket.foundation.checks import Check

CHECKS: tuple[Check, ...] = (
    Check(
        "I9",
        "分配各项之和等于交易金额，且与分录一致",
        "the parts of every split add up to the gross, and to its entry",
        "SELECT count(*) FROM trade WHERE ledger_id = $1",
        """
        SELECT t.id::text FROM trade t
          LEFT JOIN business_key k ON k.ledger_id = t.ledger_id AND k.source_type = 'trade' AND k.source_id = t.id
                                  AND k.kind = 'settlement'
          LEFT JOIN (SELECT period, entry_id, sum(amount_fen) FILTER (WHERE amount_fen > 0) AS debit
                       FROM ledger_leg WHERE ledger_id = $1 GROUP BY period, entry_id) e
            ON e.period = k.period AND e.entry_id = k.entry_id
         WHERE t.ledger_id = $1
           AND ((SELECT sum(part.value::bigint) FROM jsonb_each_text(t.split) AS part) IS DISTINCT FROM t.amount_fen
                OR coalesce(e.debit, 0) <> t.amount_fen)
        """,
    ),
    Check(
        "I15",
        "被拒绝的请求不留痕迹：交易、使用、分录、退款、幂等键彼此齐全",
        "a refused request changes nothing: trades, uses, entries, refunds and keys are all complete",
        "SELECT count(*) FROM contract_meter WHERE $1::int IS NOT NULL",
        """
        SELECT 'meter ' || m.contract_id FROM contract_meter m
          LEFT JOIN (SELECT contract_id, sum(quantity) AS used FROM contract_use GROUP BY contract_id) u USING (contract_id)
         WHERE m.used <> coalesce(u.used, 0)
        UNION ALL
        SELECT 'entry without business ' || e.id FROM ledger_entry e
         WHERE e.ledger_id = $1
           AND (e.source_type = 'trade' AND NOT EXISTS (SELECT FROM trade t WHERE t.id = e.source_id)
                OR e.source_type = 'refund' AND NOT EXISTS (SELECT FROM refund r WHERE r.id = e.source_id))
        UNION ALL
        SELECT 'refunds of trade ' || t.id FROM trade t
          LEFT JOIN (SELECT trade_id, sum(amount_fen) AS back FROM refund GROUP BY trade_id) r ON r.trade_id = t.id
         WHERE t.ledger_id = $1 AND t.refunded_fen <> coalesce(r.back, 0)
        UNION ALL
        SELECT 'refund without entry ' || r.id FROM refund r
         WHERE r.ledger_id = $1
           AND NOT EXISTS (SELECT FROM business_key k WHERE k.ledger_id = $1 AND k.source_type = 'refund' AND k.source_id = r.id)
        UNION ALL
        SELECT 'key without answer ' || key FROM idempotency_key WHERE ledger_id = $1 AND status IS NULL
        """,
    ),
)
