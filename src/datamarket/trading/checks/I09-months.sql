-- zh: 每份合同每月的计量与计费之和与其交易一致，且不超过月度封顶
-- en: what a contract's month counts and charges is the sum of its trades, within the month's cap
-- seen: SELECT count(*) FROM charged_month
SELECT 'month ' || coalesce(m.month, t.month) || ' of contract ' || coalesce(m.contract_id, t.contract_id)
  FROM charged_month m
  FULL JOIN (SELECT t.contract_id, to_char(u.at AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer AS month,
                    sum(t.quantity) AS units, sum(t.amount_fen) AS fen
               FROM trade t JOIN contract_use u ON u.id = t.use_id
              WHERE u.fee IS DISTINCT FROM 'basic'
                AND t.contract_id IN (SELECT c.id FROM contract c WHERE c.price_terms IS NOT NULL)
              GROUP BY 1, 2) t USING (contract_id, month)
  LEFT JOIN contract c ON c.id = m.contract_id
 WHERE (m.units, m.charged_fen) IS DISTINCT FROM (t.units, t.fen) OR m.charged_fen > (c.price_terms ->> 'cap_fen')::bigint;
