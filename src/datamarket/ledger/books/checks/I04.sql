-- zh: 借方余额合计等于贷方余额合计
-- en: debit balances equal credit balances
-- seen: SELECT count(*) FROM ledger_balance WHERE ledger_id = :ledger_id
-- quick: true
SELECT 'difference ' || sum(debit_fen - credit_fen) FROM ledger_balance WHERE ledger_id = :ledger_id HAVING sum(debit_fen - credit_fen) <> 0;
