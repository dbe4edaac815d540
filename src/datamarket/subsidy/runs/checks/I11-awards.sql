-- zh: 每条获批奖补恰有一笔应付、至多一笔支付和一笔抵扣，金额一致，支付即银行已执行的付款；暂缓的不支付，不予支付的应付已冲回
-- en: every approved award is payable once and paid at most once, in its own amount less what was set off, by what the bank executed; a held one is not paid, of a forgone one nothing stays payable
-- seen: SELECT count(*) FROM subsidy_posting p JOIN subsidy_line l ON l.id = p.line_id JOIN subsidy_run r ON r.id = l.run_id WHERE r.ledger_id = :ledger_id
-- What was paid before awards went through payout batches has an entry of its own.
WITH line AS (
    SELECT l.id, r.state, h.state AS hold, count(p.kind) AS posted, count(DISTINCT o.id) AS executed,
           count(*) FILTER (WHERE p.kind = 'subsidy_approved' AND debit.fen = l.amount_fen) AS payable,
           count(*) FILTER (WHERE p.kind = 'subsidy_paid' AND debit.fen = l.amount_fen - coalesce(s.amount_fen, 0)) AS paid,
           count(*) FILTER (WHERE p.kind = 'subsidy_forgone' AND debit.fen = l.amount_fen - coalesce(s.amount_fen, 0)) AS forgone,
           count(*) FILTER (WHERE p.kind = 'subsidy_set_off' AND debit.fen = s.amount_fen) AS set_off,
           coalesce(s.amount_fen = l.amount_fen, false) AS nothing_left
      FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id
      LEFT JOIN subsidy_award_hold h ON h.line_id = l.id AND h.state <> 'released'
      LEFT JOIN payout o ON o.ledger_id = r.ledger_id AND o.award_id = l.id AND o.state = 'executed'
      LEFT JOIN subsidy_posting p ON p.line_id = l.id
      LEFT JOIN subsidy_posting s ON s.line_id = l.id AND s.kind = 'subsidy_set_off'
     CROSS JOIN LATERAL (SELECT p.kind = 'subsidy_paid' AND o.id IS NOT NULL AS by_bank) AS way
      LEFT JOIN business_key k ON k.ledger_id = r.ledger_id AND k.entry_id = p.entry_id
                              AND k.source_type = CASE WHEN way.by_bank THEN 'payout' ELSE 'subsidy_line' END
                              AND k.source_id = CASE WHEN way.by_bank THEN o.id ELSE l.id END
                              AND k.kind = CASE WHEN way.by_bank THEN 'payout_executed' ELSE p.kind END
      LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_leg g WHERE g.ledger_id = r.ledger_id
                            AND g.period = k.period AND g.entry_id = k.entry_id AND g.amount_fen > 0) AS debit ON true
     WHERE r.ledger_id = :ledger_id AND r.state IN ('posted', 'paying', 'paid', 'closed') AND l.amount_fen > 0
     GROUP BY l.id, l.amount_fen, r.state, h.state, s.amount_fen
)
SELECT id::text FROM line
 WHERE posted <> payable + paid + forgone + set_off OR executed > paid
    OR (hold IS NULL) AND ((payable, forgone) <> (1, 0) OR paid > 1
                           OR paid <> CASE WHEN state = 'posted' OR nothing_left THEN 0 WHEN state = 'paying' THEN paid ELSE 1 END)
    OR hold = 'held' AND (payable > 1 OR paid + forgone > 0 OR state = 'closed')
    OR hold = 'forgone' AND (payable > 1 OR payable <> forgone AND NOT nothing_left OR paid > 0)
UNION ALL
SELECT 'payout ' || p.id FROM payout p
  LEFT JOIN subsidy_line l ON l.id = p.award_id
  LEFT JOIN subsidy_posting a ON a.line_id = l.id AND a.kind = 'subsidy_approved'
  LEFT JOIN subsidy_posting s ON s.line_id = l.id AND s.kind = 'subsidy_set_off' AND p.state NOT IN ('refused', 'cancelled')
 WHERE p.ledger_id = :ledger_id AND p.award_id IS NOT NULL
   AND (p.payee_id, p.payee_code, p.amount_fen) IS DISTINCT FROM (l.enterprise_id, l.uscc, a.amount_fen - coalesce(s.amount_fen, 0));
