-- zh: 在架挂牌与已核准产品的累计数与逐行计数一致
-- en: the tally of published listings and approved products is what the rows add up to
-- seen: SELECT count(*) FROM listing
SELECT kind || ': ' || coalesce(t.many, 0) || ' for ' || coalesce(r.many, 0)
  FROM (SELECT kind, sum(many) AS many FROM market_tally GROUP BY kind) AS t
  FULL JOIN tally_recounted() AS r USING (kind)
 WHERE coalesce(t.many, 0) <> coalesce(r.many, 0);
