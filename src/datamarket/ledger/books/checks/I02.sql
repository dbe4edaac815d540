-- zh: 全市场分录行合计为零
-- en: all legs of the market sum to zero
-- seen: SELECT count(*) FROM ledger_leg WHERE ledger_id = :ledger_id
SELECT 'sum ' || sum(amount_fen) FROM ledger_leg WHERE ledger_id = :ledger_id HAVING sum(amount_fen) <> 0;
