-- zh: 每条获批奖补恰有一笔应付、至多一笔支付和一笔抵扣，金额一致；暂缓的不支付，不予支付的应付已冲回
-- en: every approved award is payable exactly once and paid at most once, in its own amount less what was set off; a held one is not paid, of a forgone one nothing stays payable
-- seen: SELECT count(*) FROM subsidy_posting p JOIN subsidy_line l ON l.id = p.line_id JOIN subsidy_run r ON r.id = l.run_id WHERE r.ledger_id = :ledger_id
WITH line AS (
    SELECT l.id, r.state, h.state AS hold, count(p.kind) AS posted,
           count(*) FILTER (WHERE p.kind = 'subsidy_approved' AND debit.fen = l.amount_fen) AS payable,
           count(*) FILTER (WHERE p.kind = 'subsidy_paid' AND debit.fen = l.amount_fen - coalesce(o.amount_fen, 0)) AS paid,
           count(*) FILTER (WHERE p.kind = 'subsidy_forgone' AND debit.fen = l.amount_fen - coalesce(o.amount_fen, 0)) AS forgone,
           count(*) FILTER (WHERE p.kind = 'subsidy_set_off' AND debit.fen = o.amount_fen) AS set_off,
           coalesce(o.amount_fen = l.amount_fen, false) AS nothing_left
      FROM subsidy_line l JOIN subsidy_run r ON r.id = l.run_id
      LEFT JOIN subsidy_award_hold h ON h.line_id = l.id AND h.state <> 'released'
      LEFT JOIN subsidy_posting p ON p.line_id = l.id
      LEFT JOIN subsidy_posting o ON o.line_id = l.id AND o.kind = 'subsidy_set_off'
      LEFT JOIN business_key k ON k.ledger_id = r.ledger_id AND k.source_type = 'subsidy_line'
                              AND k.source_id = l.id AND k.kind = p.kind AND k.entry_id = p.entry_id
      LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_leg g WHERE g.ledger_id = r.ledger_id
                            AND g.period = k.period AND g.entry_id = k.entry_id AND g.amount_fen > 0) AS debit ON true
     WHERE r.ledger_id = :ledger_id AND r.state IN ('posted', 'paid', 'closed') AND l.amount_fen > 0
     GROUP BY l.id, l.amount_fen, r.state, h.state, o.amount_fen
)
SELECT id::text FROM line
 WHERE posted <> payable + paid + forgone + set_off
    OR (hold IS NULL) AND (payable, paid, forgone) <> (1, CASE WHEN state = 'posted' OR nothing_left THEN 0 ELSE 1 END, 0)
    OR hold = 'held' AND (payable > 1 OR paid + forgone > 0 OR state = 'closed')
    OR hold = 'forgone' AND (payable > 1 OR payable <> forgone AND NOT nothing_left OR paid > 0);
