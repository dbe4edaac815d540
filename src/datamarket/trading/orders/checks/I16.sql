-- zh: 合同的预留额度与待验收（含补正）笔数等于其未了结订单之和；已用与预留之和不超过额度
-- en: a contract reserves what its open orders reserve, and knows their deliveries, those in cure too; used and reserved stay within its quota
-- seen: SELECT count(*) FROM contract_meter
SELECT m.contract_id::text FROM contract_meter m
  LEFT JOIN (SELECT contract_id, sum(reserved_quantity) AS reserved, count(*) FILTER (WHERE state <> 'placed') AS undecided
               FROM trade_order WHERE state IN ('placed', 'delivered', 'curing') GROUP BY contract_id) o USING (contract_id)
 WHERE (m.reserved, m.undecided) IS DISTINCT FROM (coalesce(o.reserved, 0), coalesce(o.undecided, 0))
    OR m.used + m.reserved > m.quota;
