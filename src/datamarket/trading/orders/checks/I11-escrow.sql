-- zh: 托管账户余额等于该需方未了结订单已入托管之和；订单与冻结、交易彼此一致
-- en: an escrow account holds exactly what its buyer's open orders have put there; orders, holds and trades agree
-- seen: SELECT count(*) FROM trade_order WHERE ledger_id = :ledger_id
SELECT 'escrow of ' || coalesce(e.owner_id, o.buyer_id)
  FROM (SELECT a.owner_id, sum(b.credit_fen - b.debit_fen) AS balance
          FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
         WHERE a.ledger_id = :ledger_id AND a.kind = 'escrow' GROUP BY a.owner_id) e
  FULL JOIN (SELECT buyer_id, sum(coalesce(instalments[1], 0)
                    + CASE WHEN state = 'placed' THEN 0 ELSE coalesce(instalments[2], amount_fen) END) AS waiting FROM trade_order
              WHERE ledger_id = :ledger_id AND state IN ('placed', 'delivered', 'curing') GROUP BY buyer_id) o ON o.buyer_id = e.owner_id
 WHERE coalesce(e.balance, 0) <> coalesce(o.waiting, 0)
UNION ALL
SELECT 'hold of order ' || o.id FROM trade_order o
  LEFT JOIN ledger_hold h ON h.ledger_id = o.ledger_id AND h.id = o.hold_id
 WHERE o.ledger_id = :ledger_id AND o.amount_fen > 0
   AND (h.source_type, h.source_id, h.amount_fen, CASE WHEN o.instalments IS NULL THEN h.expires_at ELSE o.deliver_by END)
       IS DISTINCT FROM ('order', o.id, o.amount_fen, o.deliver_by)
UNION ALL
SELECT 'state of the hold of order ' || o.id FROM trade_order o
  JOIN ledger_hold h ON h.ledger_id = o.ledger_id AND h.id = o.hold_id
 WHERE o.ledger_id = :ledger_id AND o.instalments IS NULL
   AND NOT (o.state, h.state) IN (('placed', 'held'), ('placed', 'expired'), ('delivered', 'posted'), ('curing', 'posted'),
                                  ('accepted', 'posted'), ('rejected', 'posted'), ('cancelled', 'voided'),
                                  ('expired', 'expired'))
UNION ALL
SELECT 'instalments of order ' || o.id FROM trade_order o
  JOIN ledger_hold h ON h.ledger_id = o.ledger_id AND h.id = o.hold_id
 WHERE o.ledger_id = :ledger_id AND o.instalments IS NOT NULL
   AND (h.posted_fen <> o.instalments[1] + CASE WHEN o.delivered_at IS NULL THEN 0 ELSE o.instalments[2] END
        OR h.resolved_at IS NULL AND o.decided_at IS NOT NULL)
UNION ALL
SELECT 'hold without order ' || h.id FROM ledger_hold h
 WHERE h.ledger_id = :ledger_id AND h.source_type = 'order'
   AND NOT EXISTS (SELECT FROM trade_order o WHERE o.ledger_id = h.ledger_id AND o.hold_id = h.id)
UNION ALL
SELECT 'entry without order ' || e.id FROM ledger_entry e
 WHERE e.ledger_id = :ledger_id AND e.source_type IN ('order', 'order-signing')
   AND NOT EXISTS (SELECT FROM trade_order o WHERE o.ledger_id = e.ledger_id AND o.id = e.source_id)
UNION ALL
SELECT 'trade of order ' || o.id FROM trade_order o
  LEFT JOIN trade t ON t.id = o.trade_id
 WHERE o.ledger_id = :ledger_id AND o.state = 'accepted'
   AND (t.contract_id, t.quantity, t.unit_price_fen)
       IS DISTINCT FROM (o.contract_id, o.accepted_quantity, o.unit_price_fen);
