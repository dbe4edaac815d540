-- zh: 每笔分录借贷相等，至少两行，无零额
-- en: the legs of every entry sum to zero; at least two, none zero
-- seen: SELECT count(*) FROM ledger_entry WHERE ledger_id = :ledger_id
SELECT coalesce(e.id::text, 'legs without entry ' || l.entry_id)
  FROM (SELECT period, id FROM ledger_entry WHERE ledger_id = :ledger_id) e
  FULL JOIN (SELECT period, entry_id, sum(amount_fen) AS total, count(*) AS legs, bool_or(amount_fen = 0) AS zero
               FROM ledger_leg WHERE ledger_id = :ledger_id GROUP BY period, entry_id) l
    ON l.period = e.period AND l.entry_id = e.id
 WHERE e.id IS NULL OR l.entry_id IS NULL OR l.total <> 0 OR l.legs < 2 OR l.zero;
