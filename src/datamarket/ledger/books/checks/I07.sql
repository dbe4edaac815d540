-- zh: 冲正与原分录方向相反、同一账户、不超原额
-- en: reversals mirror their original and never exceed it
-- seen: SELECT count(*) FROM ledger_entry WHERE ledger_id = :ledger_id AND reverses IS NOT NULL
SELECT id::text FROM (
    SELECT r.reverses AS id, l.account_id, 0::bigint AS original, l.amount_fen AS back
      FROM ledger_entry r
      JOIN ledger_leg l ON l.ledger_id = r.ledger_id AND l.period = r.period AND l.entry_id = r.id
     WHERE r.ledger_id = :ledger_id AND r.reverses IS NOT NULL
    UNION ALL
    SELECT e.id, l.account_id, l.amount_fen, 0 FROM ledger_entry e
      JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
     WHERE e.ledger_id = :ledger_id
       AND e.id IN (SELECT reverses FROM ledger_entry WHERE ledger_id = :ledger_id AND reverses IS NOT NULL)
) AS both_ways GROUP BY id, account_id
HAVING sum(original) = 0 OR sign(sum(original)) * sign(sum(back)) > 0 OR abs(sum(back)) > abs(sum(original));
