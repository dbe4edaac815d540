-- Who is related to whom, and when: one controls the other, through any chain, or both have a common controller.
-- Half-open days; a null end is without end, and LEAST passes over nulls. UNION ends even on a circle.
CREATE VIEW related_party AS
WITH RECURSIVE control (controller_id, controlled_id, from_on, to_on) AS (
    SELECT controller_id, controlled_id, from_on, to_on FROM affiliation
    UNION
    SELECT c.controller_id, a.controlled_id, GREATEST(c.from_on, a.from_on), LEAST(c.to_on, a.to_on)
    FROM control AS c
    JOIN affiliation AS a ON a.controller_id = c.controlled_id
    WHERE (a.to_on IS NULL OR c.from_on < a.to_on) AND (c.to_on IS NULL OR a.from_on < c.to_on)
)
SELECT controller_id AS a_id, controlled_id AS b_id, from_on, to_on FROM control
UNION
SELECT controlled_id, controller_id, from_on, to_on FROM control
UNION
SELECT one.controlled_id, other.controlled_id,
       GREATEST(one.from_on, other.from_on), LEAST(one.to_on, other.to_on)
FROM control AS one
JOIN control AS other ON other.controller_id = one.controller_id AND other.controlled_id <> one.controlled_id
WHERE (other.to_on IS NULL OR one.from_on < other.to_on) AND (one.to_on IS NULL OR other.from_on < one.to_on);
GRANT SELECT ON related_party TO datamarket_app;
