-- What the overview counts often is kept, from every row until now; functions and triggers come after.
CREATE TABLE market_tally (
    kind character varying NOT NULL,
    part UUID NOT NULL,
    many BIGINT NOT NULL,
    CONSTRAINT market_tally_pkey PRIMARY KEY (kind, part)
)
 WITH (fillfactor = 50);
GRANT SELECT ON market_tally TO datamarket_app;
INSERT INTO market_tally
SELECT 'published_listings', '00000000-0000-0000-0000-000000000000'::uuid, count(*) FROM listing WHERE state = 'published'
UNION ALL
SELECT CASE WHEN zone_id IS NULL THEN 'exchange_products' ELSE 'operation_products' END, '00000000-0000-0000-0000-000000000000', count(*)
  FROM product WHERE approved IS NOT NULL GROUP BY 1;
