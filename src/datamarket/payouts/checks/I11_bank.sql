-- zh: 对账单首尾相接且收支平衡；已匹配的银行流水与分录金额、日期一致
-- en: statements add up and follow each other; a matched bank line equals its entry in amount and day
-- seen: SELECT count(*) FROM bank_line WHERE ledger_id = :ledger_id
SELECT 'statement ' || s.day FROM (
    SELECT *, lag(closing_fen) OVER (ORDER BY day) AS before_fen FROM bank_statement WHERE ledger_id = :ledger_id) AS s
  LEFT JOIN (SELECT statement_id, count(*) AS lines, sum(amount_fen) AS moved
               FROM bank_line WHERE ledger_id = :ledger_id GROUP BY statement_id) AS l ON l.statement_id = s.id
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
        WHERE e.ledger_id = :ledger_id AND e.id = b.entry_id) AS books ON true
 WHERE b.ledger_id = :ledger_id AND b.entry_id IS NOT NULL
   AND (b.amount_fen, b.entry_on) IS DISTINCT FROM (books.moved::bigint, books.on_day);
