-- zh: 冻结至多了结一次：入账、解冻、到期之和不超过冻结额，且与余额、分录、状态一致
-- en: a hold is resolved at most once: posted + voided + expired ≤ held; balances, entries and states agree
-- seen: SELECT count(*) FROM ledger_hold WHERE ledger_id = :ledger_id
SELECT 'beyond its amount ' || id FROM ledger_hold
 WHERE ledger_id = :ledger_id AND (posted_fen + voided_fen + expired_fen > amount_fen
                           OR least(posted_fen, voided_fen, expired_fen) < 0 OR amount_fen <= 0)
UNION ALL
SELECT 'state of ' || id FROM ledger_hold
 WHERE ledger_id = :ledger_id
   AND (state <> CASE WHEN posted_fen + voided_fen + expired_fen < amount_fen
                      THEN CASE WHEN posted_fen > 0 THEN 'partly_posted' ELSE 'held' END
                      WHEN expired_fen > 0 THEN 'expired' WHEN voided_fen > 0 THEN 'voided' ELSE 'posted' END
        OR (resolved_at IS NULL) <> (posted_fen + voided_fen + expired_fen < amount_fen))
UNION ALL
SELECT 'held on account ' || coalesce(b.account_id, h.account_id)
  FROM (SELECT account_id, held_fen FROM ledger_balance WHERE ledger_id = :ledger_id) b
  FULL JOIN (SELECT account_id, sum(amount_fen - posted_fen - voided_fen - expired_fen) AS still
               FROM ledger_hold WHERE ledger_id = :ledger_id GROUP BY account_id) h ON h.account_id = b.account_id
 WHERE b.held_fen IS DISTINCT FROM coalesce(h.still, 0)
UNION ALL
SELECT 'posted from ' || h.id FROM ledger_hold h
  LEFT JOIN (SELECT hold_id, sum(amount_fen) AS posted FROM ledger_hold_posting WHERE ledger_id = :ledger_id GROUP BY hold_id) p
    ON p.hold_id = h.id
 WHERE h.ledger_id = :ledger_id AND h.posted_fen <> coalesce(p.posted, 0)
UNION ALL
SELECT 'entry ' || p.entry_id FROM ledger_hold_posting p
  LEFT JOIN ledger_hold h ON h.ledger_id = p.ledger_id AND h.id = p.hold_id
  LEFT JOIN LATERAL (
       SELECT sum(l.amount_fen) AS debit FROM ledger_entry e
         JOIN ledger_leg l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
        WHERE e.ledger_id = p.ledger_id AND e.id = p.entry_id AND l.account_id = h.account_id) e ON true
 WHERE p.ledger_id = :ledger_id AND e.debit IS DISTINCT FROM p.amount_fen;
