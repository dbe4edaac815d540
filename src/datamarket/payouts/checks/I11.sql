-- zh: 在途付款余额等于已送出、银行未答复的出款
-- en: what is in transit is the sum of sent, undecided payouts, payee by payee
-- seen: SELECT count(*) FROM ledger_account WHERE ledger_id = :ledger_id AND kind = 'payout_in_transit'
-- quick: true
SELECT coalesce(held.owner, sent.owner)::text FROM (
    SELECT coalesce(a.owner_id::text, 'market') AS owner, b.credit_fen - b.debit_fen AS fen
      FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
     WHERE a.ledger_id = :ledger_id AND a.kind = 'payout_in_transit') AS held
  FULL JOIN (SELECT coalesce(payee_id::text, 'market') AS owner, sum(amount_fen) AS fen
               FROM payout WHERE ledger_id = :ledger_id AND state = 'sent' GROUP BY payee_id) AS sent
    ON sent.owner = held.owner
 WHERE coalesce(held.fen, 0) <> coalesce(sent.fen, 0);
