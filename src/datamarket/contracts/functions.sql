-- When a thing's first day after its term begins, as the market counts days.
CREATE OR REPLACE FUNCTION contract_day_begins(p_day date) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT p_day::timestamp AT TIME ZONE 'Asia/Shanghai'
$$;

-- Until when each contract stands, and by which link it stops before its term is over: the first that ends, by act or by term.
CREATE OR REPLACE FUNCTION contract_standing(p_contracts uuid[])
RETURNS TABLE (contract_id uuid, stopped_by character varying, stands_until timestamptz) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT m.contract_id, e.kind, coalesce(e.at, m.term_to)
      FROM contract_meter AS m LEFT JOIN LATERAL (
           SELECT l.kind, x.at FROM contract_link AS l JOIN LATERAL (
                  SELECT s.stops_at AS at FROM stoppage AS s WHERE s.target_id = l.target_id AND s.lifted_at IS NULL
                  UNION ALL SELECT contract_day_begins(r.valid_to) FROM resource AS r WHERE r.id = l.target_id
                  UNION ALL SELECT contract_day_begins(d.term_to) FROM mandate AS d WHERE d.id = l.target_id) AS x ON true
            WHERE l.contract_id = m.contract_id AND l.to_at IS NULL AND x.at < m.term_to
            ORDER BY x.at, l.kind LIMIT 1) AS e ON true
     WHERE m.contract_id = ANY (p_contracts);
END
$$;

-- The meters of what stands on these links, brought to what the links are now. The caller has locked them, in an earlier
-- statement and in the order in which uses lock them: so who follows a second link sees what the first did.
-- A meter whose stop had taken hold stands anew from `p_at`: what took place before is decided by what the links were then.
CREATE OR REPLACE FUNCTION contract_follow(p_targets uuid[], p_at timestamptz)
RETURNS TABLE (id uuid, stops boolean, stopped_by character varying, until timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    UPDATE contract_meter AS m
       SET stopped_by = n.stopped_by, stands_until = n.stands_until,
           stands_from = CASE WHEN before.stands_until < least(n.stands_until, p_at) THEN p_at ELSE m.stands_from END
      FROM contract_standing(ARRAY(SELECT l.contract_id FROM contract_link AS l WHERE l.target_id = ANY (p_targets))) AS n
      JOIN contract_meter AS before USING (contract_id)
     WHERE m.contract_id = n.contract_id AND (m.stopped_by, m.stands_until) IS DISTINCT FROM (n.stopped_by, n.stands_until)
    RETURNING m.contract_id, m.stands_until < before.stands_until, m.stopped_by, m.stands_until;
END
$$;

-- A meter of which the term has changed, brought to its links as they are now; the caller holds it.
CREATE OR REPLACE FUNCTION contract_restand(p_contract uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contract_meter AS m SET stopped_by = n.stopped_by, stands_until = n.stands_until
      FROM contract_standing(ARRAY[p_contract]) AS n WHERE m.contract_id = n.contract_id;
END
$$;

-- Freezes what a contract stands on, at its signature and anew with each amendment, brings its meter to it, and says what it is:
-- [kind, id] of each; the caller holds all of it until the transaction ends.
CREATE OR REPLACE FUNCTION contract_link_up(p_contract uuid, p_on date, p_at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM contract_link AS l WHERE l.contract_id = p_contract AND l.from_at >= p_at;
    UPDATE contract_link AS l SET to_at = p_at WHERE l.contract_id = p_contract AND l.to_at IS NULL;
    WITH made AS (
    SELECT c.id, l.kind, l.target_id, l.document, l.term_from, l.term_to, p_at
      FROM contract AS c JOIN listing AS g ON g.id = c.listing_id
      JOIN product_version AS v ON v.product_id = c.product_id AND v.number = c.product_version
     CROSS JOIN LATERAL (
           SELECT s.kind, p.id AS target_id, p.uscc AS document, NULL::date AS term_from, NULL::date AS term_to
             FROM (VALUES ('buyer', c.buyer_id), ('provider', c.provider_id), ('operator', c.operator_id)) AS s (kind, id)
             JOIN participant AS p ON p.id = s.id
           UNION ALL SELECT 'mandate', d.id, d.filed_on::text, d.term_from, d.term_to FROM mandate AS d
                      WHERE d.zone_id = c.zone_id AND d.term_from <= p_on AND coalesce(d.ended_on, d.term_to) > p_on
           UNION ALL SELECT 'zone', z.id, z.code, z.opened_on, NULL FROM zone AS z WHERE z.id = c.zone_id
           UNION ALL SELECT 'scenario', s.id, s.code, NULL, NULL FROM scenario AS s WHERE s.id = g.scenario_id
           UNION ALL SELECT 'resource', r.id, coalesce(r.registration_code, r.code), r.registered_on, r.valid_to
                       FROM resource AS r WHERE r.id = ANY (v.resources)
           UNION ALL SELECT 'version', v.id, g.product_code || '/' || v.number, NULL, NULL
           UNION ALL SELECT 'listing', g.id, g.venue_code || ':' || g.product_code, NULL, NULL) AS l
     WHERE c.id = p_contract)
    INSERT INTO contract_link SELECT * FROM made;
    PERFORM contract_restand(p_contract);
    RETURN (SELECT jsonb_agg(jsonb_build_array(l.kind, l.target_id) ORDER BY l.kind, l.target_id)
              FROM contract_link AS l WHERE l.contract_id = p_contract AND l.to_at IS NULL);
END
$$;

-- What becomes of the contracts that run under a mandate which ended: they go on under its successor, if that is given to the
-- operator who has his share of their income, and end else. The caller has locked them and their meters, in earlier statements.
CREATE OR REPLACE FUNCTION contract_hand_over(p_mandate uuid, p_successor uuid, p_reason character varying, p_at timestamptz)
RETURNS TABLE (id uuid, moves boolean) LANGUAGE plpgsql AS $$
DECLARE
    moved boolean := EXISTS (SELECT FROM mandate AS o JOIN mandate AS n USING (operator_id) WHERE o.id = p_mandate AND n.id = p_successor);
    running uuid[] := ARRAY(SELECT contract_running_under(p_mandate));
BEGIN
    IF moved THEN
        UPDATE contract_link AS l SET to_at = greatest(p_at, l.from_at)
         WHERE l.contract_id = ANY (running) AND l.target_id = p_mandate AND l.to_at IS NULL;
        WITH made AS (
            SELECT r.contract_id, 'mandate', n.id, n.filed_on::text, n.term_from, n.term_to, p_at
              FROM unnest(running) AS r (contract_id), mandate AS n WHERE n.id = p_successor)
        INSERT INTO contract_link (contract_id, kind, target_id, document, term_from, term_to, from_at) SELECT * FROM made;
    ELSE
        UPDATE contract AS c SET state = 'ended', reason = p_reason, version = c.version + 1, awaits = NULL, answer_by = p_at
         WHERE c.id = ANY (running);  -- the clock closes what is open of them, and owes their disposal
        UPDATE contract_meter AS m SET state = 'ended' WHERE m.contract_id = ANY (running);
    END IF;
    RETURN QUERY SELECT r.contract_id, moved FROM unnest(running) AS r (contract_id);
END
$$;

-- Contracts that stand on a mandate and have not ended.
CREATE OR REPLACE FUNCTION contract_running_under(p_mandate uuid) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT l.contract_id FROM contract_link AS l JOIN contract_meter AS m USING (contract_id)
     WHERE l.target_id = p_mandate AND l.to_at IS NULL AND m.state IN ('active', 'suspended');
END
$$;
