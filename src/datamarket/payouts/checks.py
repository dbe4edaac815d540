"""What payouts, the bank's side and the books promise each other, recomputed from the rows ($1 = ledger)."""

from datamarket.foundation.checks import Check

CHECKS: tuple[Check, ...] = (
    Check(
        "I11",
        "在途付款余额等于已送出、银行未答复的出款",
        "what is in transit is the sum of sent, undecided payouts, payee by payee",
        "SELECT count(*) FROM ledger_account WHERE ledger_id = $1 AND kind = 'payout_in_transit'",
        """
        SELECT coalesce(held.owner, sent.owner)::text FROM (
            SELECT coalesce(a.owner_id::text, 'market') AS owner, b.credit_fen - b.debit_fen AS fen
              FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
             WHERE a.ledger_id = $1 AND a.kind = 'payout_in_transit') AS held
          FULL JOIN (SELECT coalesce(payee_id::text, 'market') AS owner, sum(amount_fen) AS fen
                       FROM payout WHERE ledger_id = $1 AND state = 'sent' GROUP BY payee_id) AS sent
            ON sent.owner = held.owner
         WHERE coalesce(held.fen, 0) <> coalesce(sent.fen, 0)
        """,
        quick=True,
    ),
    Check(
        "I11 payouts",
        "每笔出款恰有其状态所需的分录，金额与账户相符；批次合计等于其出款",
        "every payout has exactly the entries of its state, of its amount and account; batches add up",
        "SELECT count(*) FROM payout WHERE ledger_id = $1",
        """
        WITH posted AS (
            SELECT k.source_id, array_agg(k.kind::text ORDER BY k.kind) AS kinds,
                   bool_and(l.debit_fen = p.amount_fen AND l.own_fen = CASE k.kind WHEN 'payout_sent' THEN p.amount_fen
                            WHEN 'payout_refused' THEN -p.amount_fen ELSE 0 END) AS agrees
              FROM business_key k
              JOIN payout p ON p.ledger_id = k.ledger_id AND p.id = k.source_id
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum(amount_fen) FILTER (WHERE amount_fen > 0), 0) AS debit_fen,
                          coalesce(sum(amount_fen) FILTER (WHERE account_id = p.account_id), 0) AS own_fen
                     FROM ledger_leg WHERE ledger_id = $1 AND period = k.period AND entry_id = k.entry_id) AS l
             WHERE k.ledger_id = $1 AND k.source_type = 'payout' GROUP BY k.source_id
        )
        SELECT 'payout ' || p.id FROM payout p LEFT JOIN posted ON posted.source_id = p.id
         WHERE p.ledger_id = $1
           AND (coalesce(posted.kinds, '{}') <> CASE p.state
                    WHEN 'sent' THEN ARRAY['payout_sent']
                    WHEN 'executed' THEN ARRAY['payout_executed', 'payout_sent']
                    WHEN 'refused' THEN ARRAY['payout_refused', 'payout_sent'] ELSE '{}' END
                OR NOT coalesce(posted.agrees, true))
        UNION ALL
        SELECT 'entry without payout ' || k.entry_id FROM business_key k
         WHERE k.ledger_id = $1 AND k.source_type = 'payout'
           AND NOT EXISTS (SELECT FROM payout p WHERE p.ledger_id = $1 AND p.id = k.source_id)
        UNION ALL
        SELECT 'batch ' || b.id FROM payout_batch b
          LEFT JOIN (SELECT batch_id, count(*) AS payouts, sum(amount_fen) AS total,
                            coalesce(sum(amount_fen) FILTER (WHERE state = 'executed'), 0) AS executed,
                            coalesce(sum(amount_fen) FILTER (WHERE state = 'refused'), 0) AS refused
                       FROM payout WHERE ledger_id = $1 GROUP BY batch_id) AS p ON p.batch_id = b.id
         WHERE b.ledger_id = $1
           AND (b.payouts, b.total_fen, b.executed_fen, b.refused_fen)
               IS DISTINCT FROM (p.payouts, p.total, p.executed, p.refused)
        """,
    ),
    Check(
        "I11 bank",
        "对账单首尾相接且收支平衡；已匹配的银行流水与分录金额、日期一致",
        "statements add up and follow each other; a matched bank line equals its entry in amount and day",
        "SELECT count(*) FROM bank_line WHERE ledger_id = $1",
        """
        SELECT 'statement ' || s.day FROM (
            SELECT *, lag(closing_fen) OVER (ORDER BY day) AS before_fen FROM bank_statement WHERE ledger_id = $1) AS s
          LEFT JOIN (SELECT statement_id, count(*) AS lines, sum(amount_fen) AS moved
                       FROM bank_line WHERE ledger_id = $1 GROUP BY statement_id) AS l ON l.statement_id = s.id
         WHERE s.opening_fen + coalesce(l.moved, 0) <> s.closing_fen OR s.lines <> coalesce(l.lines, 0)
            OR s.before_fen <> s.opening_fen
        UNION ALL
        SELECT 'line ' || b.id FROM bank_line b
          LEFT JOIN LATERAL (
               SELECT sum(l.amount_fen) AS moved, min(ledger_accounting_day(e.effective_at, e.period)) AS on_day
                 FROM ledger_entry e
                 JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
                 JOIN ledger_account a ON a.ledger_id = l.ledger_id AND a.id = l.account_id
                                      AND a.kind = 'bank' AND a.owner_id IS NULL
                WHERE e.ledger_id = $1 AND e.id = b.entry_id) AS books ON true
         WHERE b.ledger_id = $1 AND b.entry_id IS NOT NULL
           AND (b.amount_fen, b.entry_on) IS DISTINCT FROM (books.moved::bigint, books.on_day)
        """,
    ),
)
