-- zh: 关账后不入账：期末 = 期初 + 发生额，下期期初 = 上期期末，关账根哈希可重算
-- en: nothing posts into a closed month; closing = opening + movements; next opening = previous closing; roots recompute
-- seen: SELECT count(*) FROM ledger_period p JOIN ledger_period_balance b ON b.ledger_id = p.ledger_id AND b.period = p.id AND b.revision = p.revision WHERE p.ledger_id = :ledger_id AND p.state IN ('closed', 'archived')
WITH shut AS (
    SELECT * FROM ledger_period WHERE ledger_id = :ledger_id AND state IN ('closed', 'archived')
), current AS MATERIALIZED (
    SELECT b.* FROM shut p
      JOIN ledger_period_balance b ON b.ledger_id = p.ledger_id AND b.period = p.id AND b.revision = p.revision
)
SELECT 'posted after closing ' || e.id FROM shut p
  JOIN ledger_entry e ON e.ledger_id = p.ledger_id AND e.period = p.id
 WHERE e.recorded_at > p.closed_at
UNION ALL
SELECT 'open before a closed month ' || min(e.period) FROM ledger_entry e
 WHERE e.ledger_id = :ledger_id AND e.period < (SELECT max(id) FROM shut)
   AND NOT EXISTS (SELECT FROM shut p WHERE p.id = e.period) HAVING count(*) > 0
UNION ALL
SELECT 'movements ' || coalesce(b.period, l.period) || ' ' || coalesce(b.account_id, l.account_id)
  FROM current b
  FULL JOIN (SELECT l.period, l.account_id,
                    coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0) AS debit,
                    coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0) AS credit
               FROM shut p JOIN ledger_leg l ON l.ledger_id = p.ledger_id AND l.period = p.id
              GROUP BY 1, 2) l ON l.period = b.period AND l.account_id = b.account_id
 WHERE b.account_id IS NULL OR b.debit_fen <> coalesce(l.debit, 0) OR b.credit_fen <> coalesce(l.credit, 0)
    OR b.closing_debit_fen <> b.opening_debit_fen + b.debit_fen
    OR b.closing_credit_fen <> b.opening_credit_fen + b.credit_fen
UNION ALL
SELECT 'opening ' || coalesce(o.period, ledger_next_period(c.period)) || ' ' || coalesce(o.account_id, c.account_id)
  FROM (SELECT * FROM current WHERE period < (SELECT max(id) FROM shut)) c
  FULL JOIN current o ON o.period = ledger_next_period(c.period) AND o.account_id = c.account_id
 WHERE o.account_id IS NULL OR o.opening_debit_fen <> coalesce(c.closing_debit_fen, 0)
    OR o.opening_credit_fen <> coalesce(c.closing_credit_fen, 0)
UNION ALL
SELECT 'root ' || p.id FROM shut p
 WHERE p.closing_root IS DISTINCT FROM ledger_closing_root(p.ledger_id, p.id, p.revision);
