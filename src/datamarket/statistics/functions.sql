-- Adds to one part of a kind that nobody has locked, or begins a new one: no writer ever waits here.
CREATE OR REPLACE FUNCTION tally_add(p_kind character varying, p_many bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_many = 0 THEN
        RETURN;
    END IF;
    UPDATE market_tally AS t SET many = t.many + p_many
      FROM (SELECT f.part FROM market_tally AS f WHERE f.kind = p_kind LIMIT 1 FOR UPDATE SKIP LOCKED) AS free
     WHERE t.kind = p_kind AND t.part = free.part;
    IF NOT FOUND THEN
        INSERT INTO market_tally (kind, part, many) VALUES (p_kind, gen_random_uuid(), p_many);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION tally_add(character varying, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION tally_of_listings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    published bigint := 0;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        published := (SELECT count(*) FROM fresh WHERE state = 'published');
    END IF;
    IF TG_OP <> 'INSERT' THEN
        published := published - (SELECT count(*) FROM gone WHERE state = 'published');
    END IF;
    PERFORM tally_add('published_listings', published);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER listing_tally_made AFTER INSERT ON listing
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_of_listings();
CREATE OR REPLACE TRIGGER listing_tally_moved AFTER UPDATE ON listing
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_of_listings();
CREATE OR REPLACE TRIGGER listing_tally_gone AFTER DELETE ON listing
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tally_of_listings();

CREATE OR REPLACE FUNCTION tally_of_products() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    zoned bigint := 0;
    own bigint := 0;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT count(zone_id), count(*) - count(zone_id) INTO zoned, own FROM fresh WHERE approved IS NOT NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT zoned - count(zone_id), own - count(*) + count(zone_id) INTO zoned, own FROM gone WHERE approved IS NOT NULL;
    END IF;
    PERFORM tally_add('operation_products', zoned), tally_add('exchange_products', own);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER product_tally_made AFTER INSERT ON product
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_of_products();
CREATE OR REPLACE TRIGGER product_tally_moved AFTER UPDATE ON product
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally_of_products();
CREATE OR REPLACE TRIGGER product_tally_gone AFTER DELETE ON product
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tally_of_products();

-- What the tally must be, by every row: for I21, and for who restores rows without their triggers.
CREATE OR REPLACE FUNCTION tally_recounted() RETURNS SETOF market_tally LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT c.kind::character varying, '00000000-0000-0000-0000-000000000000'::uuid, c.many
      FROM (SELECT 'published_listings', count(*) FROM listing WHERE state = 'published'
            UNION ALL SELECT 'operation_products', count(*) FROM product WHERE approved IS NOT NULL AND zone_id IS NOT NULL
            UNION ALL SELECT 'exchange_products', count(*) FROM product WHERE approved IS NOT NULL AND zone_id IS NULL) AS c (kind, many);
END
$$;
