-- The two awards and what limits them, for many snapshots at once: an answer of its own, beside the evaluator's.
-- $1: [{n, rules, firms, projects}, …]; amounts in fen, rates in ten-thousandths. Texts are ordered by their bytes.
WITH given AS (
    SELECT (c ->> 'n')::integer AS n, c -> 'firms' AS firms, c -> 'projects' AS projects, r.*
      FROM jsonb_array_elements($1::jsonb) AS c, jsonb_to_record(c -> 'rules') AS r (
           top integer, ties text, among text, threshold numeric, rate_case numeric, rate_top numeric, cap_case numeric, cap_top numeric,
           floor_top numeric, unit numeric, mode text, highest boolean, enterprise_cap numeric, pool numeric, exceeded text)),
firm AS (
    SELECT g.n, f.*, g.top, g.ties,
           CASE WHEN f.kind IS NOT NULL OR NOT f.registered OR f.suspended THEN 'ineligible'
                WHEN f.registered IS NULL OR f.suspended IS NULL OR f.base IS NULL THEN 'held'
                WHEN f.base > g.threshold THEN 'proposed' ELSE 'not_selected' END AS status,
           f.base > 0 AND f.base > g.threshold AS ranks, g.among = 'all' AS everyone
      FROM given AS g, jsonb_to_recordset(g.firms) AS f (
           id text, base numeric, registered boolean, suspended boolean, kind text, contracts integer, first text, submitted text)),
ranked AS (
    SELECT n, id, top, ties, contracts, first, rank() OVER by_base AS rank, count(*) OVER (PARTITION BY n, base) AS tied,
           row_number() OVER (PARTITION BY n, base ORDER BY contracts DESC, first COLLATE "C") AS turn, base
      FROM firm WHERE ranks AND (everyone OR status = 'proposed') WINDOW by_base AS (PARTITION BY n ORDER BY base DESC)),
seated AS (
    SELECT *, rank <= top AND rank + tied - 1 > top AS astride,
           CASE WHEN rank + tied - 1 <= top THEN true WHEN rank > top THEN false
                ELSE CASE ties WHEN 'include_all' THEN true WHEN 'exclude_all' THEN false
                               WHEN 'tiebreak' THEN rank + turn - 1 <= top END END AS selected
      FROM ranked),
torn AS (
    SELECT n, min(CASE ties WHEN 'stop' THEN 'subsidy.tie-at-cut' ELSE 'subsidy.tie-unresolved' END) AS refused
      FROM (SELECT *, bool_or(selected) OVER alike <> bool_and(selected) OVER alike AS undecided
              FROM seated WHERE astride WINDOW alike AS (PARTITION BY n, contracts, first)) AS s
     WHERE ties = 'stop' OR ties = 'tiebreak' AND (contracts IS NULL OR first IS NULL OR undecided) GROUP BY n),
open AS (
    SELECT f.n, 2 AS place, f.id AS candidate, f.id AS enterprise, f.base, f.submitted, s.rank, NULL::jsonb AS shares,
           CASE WHEN f.status = 'proposed' AND NOT s.selected THEN 'not_selected' ELSE f.status END AS status,
           g.rate_top AS rate, g.floor_top AS least, g.cap_top AS cap, g.unit, g.mode
      FROM firm AS f JOIN given AS g USING (n) LEFT JOIN seated AS s USING (n, id)
    UNION ALL
    SELECT g.n, 1, p.id, p.owner, p.base, p.submitted, NULL, p.shares,
           CASE WHEN NOT p.registered OR p.suspended OR NOT p.listed OR p.claimed THEN 'ineligible'
                WHEN p.registered IS NULL OR p.suspended IS NULL OR p.listed IS NULL OR p.claimed IS NULL OR p.base IS NULL THEN 'held'
                WHEN p.base > 0 THEN 'proposed' ELSE 'not_selected' END,
           g.rate_case, NULL, g.cap_case, g.unit, g.mode
      FROM given AS g, jsonb_to_recordset(g.projects) AS p (
           id text, owner text, base numeric, registered boolean, suspended boolean, listed boolean, claimed boolean, submitted text,
           shares jsonb)),
exact AS (
    SELECT *, 10000 * unit AS whole, coalesce(greatest(base * rate, 10000 * least) > 10000 * cap, false) AS bound,
           least(greatest(base * rate, 10000 * least), 10000 * cap) AS product
      FROM open WHERE status = 'proposed'),
rounded AS (
    SELECT *, unit * (div(product, whole) + CASE
               WHEN mode = 'half_up' AND 2 * mod(product, whole) >= whole THEN 1
               WHEN mode = 'half_even' AND 2 * mod(product, whole) > whole - mod(div(product, whole), 2) * 0.5 THEN 1 ELSE 0 END) AS amount
      FROM exact),
shared AS (
    SELECT r.n, r.place, r.candidate, r.bound, r.amount AS project, coalesce(part.fen, r.amount) AS amount
      FROM rounded AS r LEFT JOIN LATERAL (
           SELECT div(r.amount * weight, total) + CASE WHEN row_number() OVER (ORDER BY mod(r.amount * weight, total) DESC, owner COLLATE "C")
                  <= r.amount - sum(div(r.amount * weight, total)) OVER () THEN 1 ELSE 0 END AS fen, owner
             FROM (SELECT owner, weight::numeric, sum(weight::numeric) OVER () AS total FROM jsonb_each_text(r.shares) AS s (owner, weight)) AS w
           ) AS part ON part.owner = r.enterprise),
priced AS (
    SELECT o.*, coalesce(s.amount, 0) AS amount, coalesce(s.bound, false) AS bound,
           row_number() OVER (PARTITION BY o.n ORDER BY o.place, o.enterprise COLLATE "C", o.candidate COLLATE "C") AS turn
      FROM open AS o LEFT JOIN shared AS s USING (n, place, candidate)),
kept AS (
    SELECT p.n, turn, enterprise, candidate, submitted, g.enterprise_cap, g.pool, g.exceeded,
           CASE WHEN g.highest AND row_number() OVER (PARTITION BY p.n, enterprise ORDER BY amount DESC, turn) > 1 THEN 0 ELSE amount END AS amount
      FROM priced AS p JOIN given AS g USING (n)),
claimed AS (SELECT *, sum(amount) OVER (PARTITION BY n, enterprise) AS total FROM kept),
capped AS (
    SELECT n, turn, candidate, submitted, pool, exceeded, CASE WHEN total > enterprise_cap THEN div(enterprise_cap * amount, total)
               + CASE WHEN row_number() OVER (PARTITION BY n, enterprise ORDER BY mod(enterprise_cap * amount, greatest(total, 1)) DESC, turn)
                 <= enterprise_cap - sum(div(enterprise_cap * amount, greatest(total, 1))) OVER (PARTITION BY n, enterprise) THEN 1 ELSE 0 END
               ELSE amount END AS amount
      FROM claimed),
pooled AS (SELECT *, sum(amount) OVER (PARTITION BY n) AS total FROM capped),
short AS (
    SELECT n, CASE exceeded WHEN 'stop' THEN 'subsidy.budget-exceeded' ELSE 'subsidy.order-unknown' END AS refused FROM pooled
     WHERE total > pool AND (exceeded = 'stop' OR exceeded = 'first_come' AND amount > 0 AND submitted IS NULL) GROUP BY n, exceeded),
fitted AS (
    SELECT n, turn, CASE WHEN total <= pool IS NOT FALSE THEN amount
             WHEN exceeded = 'pro_rata' THEN div(pool * amount, total)
               + CASE WHEN row_number() OVER (PARTITION BY n ORDER BY mod(pool * amount, greatest(total, 1)) DESC, turn)
                 <= pool - sum(div(pool * amount, greatest(total, 1))) OVER (PARTITION BY n) THEN 1 ELSE 0 END
             ELSE least(amount, greatest(0, pool - coalesce(sum(amount) OVER (
                 PARTITION BY n ORDER BY submitted COLLATE "C", candidate COLLATE "C", turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))
           END AS amount
      FROM pooled)
SELECT g.n, coalesce(torn.refused, short.refused) AS refused,
       (SELECT jsonb_agg(jsonb_build_array(p.place, p.candidate, CASE WHEN p.amount > 0 AND f.amount = 0 THEN 'displaced' ELSE p.status END,
                                           p.rank, p.bound, f.amount))
          FROM priced AS p JOIN fitted AS f USING (n, turn) WHERE p.n = g.n)::text AS lines
  FROM given AS g LEFT JOIN torn USING (n) LEFT JOIN short USING (n)
