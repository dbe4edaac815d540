-- An order keeps its units of the quota, a delivery keeps its contract, and a use knows whether it has its trade.
ALTER TABLE trade_order
    ADD COLUMN reserved_quantity BIGINT NOT NULL DEFAULT 0,
    ADD CONSTRAINT trade_order_reserved_check CHECK (
        reserved_quantity BETWEEN 0 AND quantity AND (reserved_quantity = 0 OR state IN ('placed', 'delivered')));
-- Until now nothing was kept: what is left of a quota goes to deliveries first, then to the oldest order.
UPDATE trade_order AS o SET reserved_quantity = greatest(0, least(o.quantity, w.unused - w.before))
  FROM (SELECT t.id, m.quota - m.used AS unused,
               sum(t.quantity) OVER (PARTITION BY t.contract_id ORDER BY t.state, t.id) - t.quantity AS before
          FROM trade_order t JOIN contract_meter m ON m.contract_id = t.contract_id
         WHERE t.state IN ('placed', 'delivered')) AS w
 WHERE w.id = o.id;
ALTER TABLE contract_meter
    ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN undecided INTEGER NOT NULL DEFAULT 0;
UPDATE contract_meter AS m SET reserved = o.reserved, undecided = o.undecided
  FROM (SELECT contract_id, sum(reserved_quantity) AS reserved, count(*) FILTER (WHERE state = 'delivered') AS undecided
          FROM trade_order WHERE state IN ('placed', 'delivered') GROUP BY contract_id) AS o
 WHERE o.contract_id = m.contract_id;
ALTER TABLE contract_meter
    DROP CONSTRAINT contract_meter_quota_check,
    ADD CONSTRAINT contract_meter_quota_check CHECK (
        used >= 0 AND reserved >= 0 AND undecided >= 0 AND (quota IS NULL OR used + reserved <= quota));
-- Nearly every use has its trade: only the others are written anew.
ALTER TABLE contract_use ADD COLUMN priced BOOLEAN NOT NULL DEFAULT true;
UPDATE contract_use AS u SET priced = false WHERE NOT EXISTS (SELECT FROM trade t WHERE t.use_id = u.id);
CREATE INDEX contract_use_unpriced_idx ON contract_use (contract_id, id) WHERE NOT priced;
ALTER TABLE trade_order ALTER COLUMN reserved_quantity DROP DEFAULT;
ALTER TABLE contract_meter ALTER COLUMN reserved DROP DEFAULT, ALTER COLUMN undecided DROP DEFAULT;
ALTER TABLE contract_use ALTER COLUMN priced DROP DEFAULT;
