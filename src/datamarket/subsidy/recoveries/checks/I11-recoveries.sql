-- zh: 应收追回补贴等于已决定而未收回的追回；追回减恢复不超过已支付；收回、恢复、罚款、利息与分录一致
-- en: what is receivable is decided and not received; of an award no more is recovered and not restored than was paid; receipts, restorations, fines and interest are what the books hold
-- seen: SELECT count(*) FROM subsidy_recovery WHERE ledger_id = :ledger_id
WITH recovery AS MATERIALIZED (
    SELECT r.*, r.state IN ('decided', 'recovering', 'recovered') AS binding, coalesce(i.fen, 0) + coalesce(s.set_off, 0) AS received, coalesce(s.fen, 0) AS restored,
           coalesce(p.fen, 0) AS planned, k.entry_id AS decided, c.entry_id AS cancelled
      FROM subsidy_recovery AS r
      LEFT JOIN (SELECT recovery_id, sum(amount_fen) AS fen FROM subsidy_recovery_receipt GROUP BY recovery_id) AS i ON i.recovery_id = r.id
      LEFT JOIN (SELECT recovery_id, sum(amount_fen) AS fen, sum(set_off_fen) AS set_off
                   FROM subsidy_recovery_restoration GROUP BY recovery_id) AS s ON s.recovery_id = r.id
      LEFT JOIN (SELECT recovery_id, sum(amount_fen) AS fen FROM subsidy_recovery_instalment GROUP BY recovery_id) AS p ON p.recovery_id = r.id
      LEFT JOIN business_key AS k ON k.ledger_id = :ledger_id AND k.source_type = 'recovery' AND k.source_id = r.id AND k.kind = 'recovery_decided'
      LEFT JOIN business_key AS c ON c.ledger_id = :ledger_id AND c.source_type = 'recovery' AND c.source_id = r.id AND c.kind = 'recovery_cancelled'
     WHERE r.ledger_id = :ledger_id
), held AS (
    SELECT a.kind, a.owner_id, b.debit_fen - b.credit_fen AS fen
      FROM ledger_account AS a JOIN ledger_balance AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
     WHERE a.ledger_id = :ledger_id AND a.kind IN ('subsidy_receivable', 'subsidy_restored', 'subsidy_fine', 'subsidy_interest')
), due AS (
    SELECT 'subsidy_receivable' AS kind, enterprise_id AS owner_id,
           sum(amount_fen + fine_fen + interest_fen - received_fen) FILTER (WHERE state IN ('decided', 'recovering')) AS fen
      FROM recovery GROUP BY enterprise_id
    UNION ALL SELECT 'subsidy_restored', owner_id, sum(fen) FROM (
        SELECT r.enterprise_id AS owner_id, t.set_off_fen - t.amount_fen AS fen
          FROM subsidy_recovery_restoration AS t JOIN recovery AS r ON r.id = t.recovery_id
        UNION ALL SELECT payee_id, amount_fen FROM payout
         WHERE ledger_id = :ledger_id AND account_kind = 'subsidy_restored' AND state IN ('sent', 'executed')) AS restored GROUP BY owner_id
    UNION ALL SELECT 'subsidy_fine', NULL, -sum(fine_fen - least(greatest(received_fen - amount_fen, 0), fine_fen)) FILTER (WHERE binding) FROM recovery
    UNION ALL SELECT 'subsidy_interest', NULL, -sum(interest_fen - greatest(received_fen - amount_fen - fine_fen, 0)) FILTER (WHERE binding) FROM recovery
)
SELECT 'recovery ' || id FROM recovery
 WHERE received <> received_fen OR restored <> restored_fen OR binding AND planned <> amount_fen + fine_fen OR binding AND decided IS NULL
    OR state = 'proposed' AND decided IS NOT NULL OR state = 'cancelled' AND (decided IS NULL) <> (cancelled IS NULL)
    OR state <> 'cancelled' AND cancelled IS NOT NULL
UNION ALL
SELECT h.kind || coalesce(' of ' || h.owner_id, '') FROM held AS h FULL JOIN due AS d
    ON d.kind = h.kind AND coalesce(d.owner_id::text, '') = coalesce(h.owner_id::text, '') WHERE coalesce(h.fen, 0) <> coalesce(d.fen, 0)
UNION ALL
SELECT 'beyond what was paid of line ' || r.line_id FROM recovery AS r WHERE r.binding GROUP BY r.line_id
HAVING sum(r.amount_fen - r.restored_fen) > (SELECT coalesce(sum(p.amount_fen), 0) FROM subsidy_posting AS p
                             WHERE p.line_id = r.line_id AND p.kind IN ('subsidy_paid', 'subsidy_set_off'))
UNION ALL
SELECT 'receipt ' || t.id FROM subsidy_recovery_receipt AS t JOIN recovery AS r ON r.id = t.recovery_id
 WHERE t.kind = 'payment' AND NOT EXISTS (
       SELECT FROM ledger_entry AS e JOIN ledger_leg AS l ON l.ledger_id = e.ledger_id AND l.period = e.period AND l.entry_id = e.id
         JOIN ledger_account AS a ON a.ledger_id = l.ledger_id AND a.id = l.account_id
        WHERE e.ledger_id = :ledger_id AND e.id = t.entry_id AND l.amount_fen = -t.amount_fen
          AND a.kind = 'subsidy_receivable' AND a.owner_id = r.enterprise_id)
UNION ALL
SELECT 'restoration ' || t.id FROM subsidy_recovery_restoration AS t JOIN recovery AS r ON r.id = t.recovery_id
 WHERE NOT EXISTS (
       SELECT FROM business_key AS k JOIN ledger_leg AS l ON l.ledger_id = k.ledger_id AND l.period = k.period AND l.entry_id = k.entry_id
         JOIN ledger_account AS a ON a.ledger_id = l.ledger_id AND a.id = l.account_id
        WHERE k.ledger_id = :ledger_id AND k.source_type = 'recovery' AND k.source_id = t.id AND k.kind = 'recovery_restored'
          AND k.entry_id = t.entry_id AND a.kind = 'subsidy_expense' AND l.amount_fen = t.amount_fen)
UNION ALL
SELECT 'set off ' || coalesce(p.line_id, s.line_id) FROM (
    SELECT p.* FROM subsidy_posting AS p JOIN subsidy_line AS l ON l.id = p.line_id JOIN subsidy_run AS u ON u.id = l.run_id
     WHERE p.kind = 'subsidy_set_off' AND u.ledger_id = :ledger_id) AS p
  FULL JOIN (SELECT t.line_id, sum(t.amount_fen) AS fen FROM subsidy_recovery_receipt AS t JOIN recovery AS r ON r.id = t.recovery_id
              WHERE t.kind = 'set_off' GROUP BY t.line_id) AS s ON s.line_id = p.line_id
 WHERE p.amount_fen IS DISTINCT FROM s.fen;
