-- The first link on which a listing stands that does not stand on a day; null while all of them do.
-- It takes columns, not the row: on a shard the row is of another type.
CREATE OR REPLACE FUNCTION listing_stopped_by(p_provider uuid, p_version uuid, p_zone uuid, p_on date)
RETURNS character varying LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN EXISTS (SELECT FROM participant p WHERE p.id = p_provider AND p.state <> 'admitted') THEN 'provider'
        WHEN EXISTS (SELECT FROM stoppage s WHERE s.target_id = p_version AND s.lifted_at IS NULL) THEN 'version'
        WHEN p_zone IS NULL THEN NULL
        WHEN EXISTS (SELECT FROM zone z JOIN participant p ON p.id = z.operator_id WHERE z.id = p_zone AND p.state <> 'admitted')
            THEN 'operator'
        WHEN EXISTS (SELECT FROM stoppage s WHERE s.target_id = p_zone AND s.lifted_at IS NULL) THEN 'zone'
        WHEN NOT EXISTS (SELECT FROM mandate m
                          WHERE m.zone_id = p_zone AND m.term_from <= p_on AND coalesce(m.ended_on, m.term_to) > p_on) THEN 'mandate'
        WHEN EXISTS (SELECT FROM product_version v JOIN resource r ON r.id = ANY (v.resources)
                      WHERE v.id = p_version AND (r.state <> 'registered' OR r.valid_to <= p_on)) THEN 'resource'
        END;
END
$$;

-- Listings that stand on any of these links; without targets, every listing of a zone, for what runs out by its term.
CREATE OR REPLACE FUNCTION listing_standing_on(p_targets uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT l.id FROM listing AS l WHERE l.provider_id = ANY (p_targets)
    UNION SELECT l.id FROM listing AS l
     WHERE l.product_version_id = ANY (p_targets) AND l.state IN ('published', 'suspended')
    UNION SELECT l.id FROM listing AS l
     WHERE l.zone_id IS NOT NULL AND (p_targets IS NULL OR l.zone_id = ANY (p_targets)
           OR l.zone_id IN (SELECT m.zone_id FROM mandate AS m WHERE m.id = ANY (p_targets))
           OR l.zone_id IN (SELECT z.id FROM zone AS z WHERE z.operator_id = ANY (p_targets))
           OR EXISTS (SELECT FROM product_version AS v WHERE v.id = l.product_version_id AND v.resources && p_targets)
              AND l.zone_id IN (SELECT r.zone_id FROM resource AS r WHERE r.id = ANY (p_targets)));
END
$$;

-- What is on sale follows the links that it stands on: suspended by the first that is stopped, on sale again when none is.
-- The caller has locked it, in an earlier statement: so who follows a second link sees what the first did.
CREATE OR REPLACE FUNCTION listing_follow(p_targets uuid[], p_on date)
RETURNS TABLE (id uuid, stops boolean, stopped_by character varying, until timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    followers uuid[];
    links character varying[];
BEGIN
    SELECT array_agg(o.id), array_agg(listing_stopped_by(o.provider_id, o.product_version_id, o.zone_id, p_on)) INTO followers, links
      FROM listing AS o
     WHERE o.id IN (SELECT listing_standing_on(p_targets)) AND (o.state = 'published' OR o.stopped_by IS NOT NULL);
    RETURN QUERY
    UPDATE listing AS l
       SET state = CASE WHEN n.link IS NULL THEN 'published' ELSE 'suspended' END,
           reason = CASE WHEN n.link IS NOT NULL THEN '授权链条中断 · a link of its authority no longer stands' END,
           stopped_by = n.link, version = l.version + 1
      FROM unnest(followers, links) AS n (id, link)
     WHERE l.id = n.id AND l.stopped_by IS DISTINCT FROM n.link
    RETURNING l.id, l.stopped_by IS NOT NULL, l.stopped_by, NULL::timestamptz;
END
$$;

CREATE OR REPLACE TRIGGER listing_shown AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON listing
    FOR EACH STATEMENT EXECUTE FUNCTION tell_shown();
