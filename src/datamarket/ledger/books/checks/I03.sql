-- zh: 余额等于其分录行之和，版本等于行数
-- en: a stored balance is the sum of its legs, its version their number
-- seen: SELECT count(*) FROM ledger_balance WHERE ledger_id = :ledger_id
SELECT coalesce(b.account_id, l.account_id)::text FROM (SELECT * FROM ledger_balance WHERE ledger_id = :ledger_id) b
  FULL JOIN (SELECT account_id, count(*) AS legs,
                    coalesce(sum(amount_fen) FILTER (WHERE amount_fen > 0), 0) AS debit,
                    coalesce(-sum(amount_fen) FILTER (WHERE amount_fen < 0), 0) AS credit
               FROM ledger_leg WHERE ledger_id = :ledger_id GROUP BY account_id) l ON l.account_id = b.account_id
 WHERE b.account_id IS NULL OR b.debit_fen <> coalesce(l.debit, 0) OR b.credit_fen <> coalesce(l.credit, 0)
    OR b.version <> coalesce(l.legs, 0)
    OR NOT b.may_go_negative AND b.credit_fen - b.debit_fen < b.held_fen;
