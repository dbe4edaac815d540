-- zh: 日发生额等于其分录行之和
-- en: what moved on an account on an accounting day is the sum of its legs
-- seen: SELECT count(*) FROM ledger_day WHERE ledger_id = :ledger_id
SELECT coalesce(d.account_id, l.account_id) || ' on ' || coalesce(d.day, l.day)
  FROM (SELECT * FROM ledger_day WHERE ledger_id = :ledger_id) d
  FULL JOIN (SELECT l.account_id, ledger_accounting_day(e.effective_at, e.period) AS day, count(*) AS legs,
                    coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0) AS debit,
                    coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0) AS credit
               FROM ledger_leg l
               JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
              WHERE l.ledger_id = :ledger_id GROUP BY 1, 2) l ON l.account_id = d.account_id AND l.day = d.day
 WHERE d.account_id IS NULL OR l.account_id IS NULL
    OR d.debit_fen <> l.debit OR d.credit_fen <> l.credit OR d.legs <> l.legs;
