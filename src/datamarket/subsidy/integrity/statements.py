"""What the detectors ask: named, versioned SQL over a year's trades and applications, each bounded: none joins all with all."""

from dataclasses import dataclass

from datamarket.subsidy.integrity.terms import Detector
from datamarket.subsidy.terms import sha256_of_bytes


@dataclass(frozen=True)
class DetectorStatement:
    """What a detector asks; another text needs another version."""

    detector: Detector
    version: int
    text: str

    @property
    def sha256(self) -> str:
        return sha256_of_bytes(self.text.encode())


_YEAR = "t.ledger_id = $1 AND t.occurred_at >= $2::timestamptz AND t.occurred_at < $3::timestamptz"
_PAIR = "t.provider_id AS seller, t.buyer_id AS buyer"

RELATED = DetectorStatement(
    Detector.RELATED,
    1,
    f"""
SELECT {_PAIR}, greatest($2::timestamptz, min(r.from_on::timestamp AT TIME ZONE 'Asia/Shanghai' - $4::interval)) AS from_at,
       least($3::timestamptz, max(coalesce(r.to_on::timestamp AT TIME ZONE 'Asia/Shanghai' + $4::interval, $3::timestamptz))) AS to_at,
       count(DISTINCT t.id) AS trades
  FROM related_party AS r JOIN trade AS t ON t.provider_id = r.a_id AND t.buyer_id = r.b_id
 WHERE {_YEAR} AND t.amount_fen > 0
   AND t.occurred_at >= r.from_on::timestamp AT TIME ZONE 'Asia/Shanghai' - $4::interval
   AND (r.to_on IS NULL OR t.occurred_at < r.to_on::timestamp AT TIME ZONE 'Asia/Shanghai' + $4::interval)
 GROUP BY 1, 2
""",  # noqa: S608 - of constants that stand here
)
# By the turnover that is kept: windows of some months, each begun a month after the one before it. Only edges that one like
# them follows and one precedes can lie on a ring: of honest trade one in sixty, so that the search itself takes no time.
_LIKE = "n.begins = e.begins AND n.fen * $7::bigint >= e.fen * $6::bigint AND e.fen * $7::bigint >= n.fen * $6::bigint"
RING = DetectorStatement(
    Detector.RING,
    3,
    f"""
WITH term AS (
    SELECT month::date, (month - back * interval '1 month')::date AS begins
      FROM generate_series($2::timestamptz AT TIME ZONE 'Asia/Shanghai', $3::timestamptz AT TIME ZONE 'Asia/Shanghai' - interval '1 day',
                           interval '1 month') AS month, generate_series(0, $4::int - 1) AS back
), edge AS MATERIALIZED (
    SELECT provider_id AS seller, buyer_id AS buyer, begins, sum(gross_fen - refunded_fen)::bigint AS fen
      FROM monthly_turnover JOIN term USING (month)
     WHERE ledger_id = $1 GROUP BY 1, 2, 3 HAVING sum(gross_fen - refunded_fen) >= $5
), followed AS MATERIALIZED (
    SELECT * FROM edge AS e WHERE EXISTS (SELECT FROM edge AS n WHERE n.seller = e.buyer AND {_LIKE})
)
SELECT * FROM followed AS e WHERE EXISTS (SELECT FROM followed AS n WHERE n.buyer = e.seller AND {_LIKE})
""",  # noqa: S608
)
# Parties that sell to each other are few: their trades are looked up a pair (OFFSET keeps the planner from reading them all).
PINGPONG = DetectorStatement(
    Detector.PINGPONG,
    1,
    f"""
WITH pair AS (
    SELECT DISTINCT provider_id, buyer_id FROM monthly_turnover
     WHERE ledger_id = $1 AND month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
       AND month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
), mutual AS MATERIALIZED (
    SELECT a.* FROM pair AS a JOIN pair AS b ON b.provider_id = a.buyer_id AND b.buyer_id = a.provider_id
)
SELECT m.provider_id AS seller, m.buyer_id AS buyer, count(*) AS trades, min(sold.occurred_at) AS from_at, max(sold.occurred_at) AS to_at
  FROM mutual AS m CROSS JOIN LATERAL (
       SELECT t.occurred_at FROM trade AS t
        WHERE {_YEAR} AND t.provider_id = m.provider_id AND t.buyer_id = m.buyer_id AND t.amount_fen > 0 AND EXISTS (
              SELECT FROM trade AS back
               WHERE back.provider_id = t.buyer_id AND back.buyer_id = t.provider_id AND back.amount_fen = t.amount_fen
                 AND back.ledger_id = t.ledger_id
                 AND back.occurred_at BETWEEN t.occurred_at - $4::interval AND t.occurred_at + $4::interval)
       OFFSET 0) AS sold
 GROUP BY 1, 2 HAVING count(*) >= $5
""",  # noqa: S608
)
SPLIT = DetectorStatement(
    Detector.SPLIT,
    1,
    f"""
WITH below AS (
    SELECT {_PAIR}, t.occurred_at, count(*) OVER (PARTITION BY t.provider_id, t.buyer_id ORDER BY t.occurred_at
           RANGE BETWEEN CURRENT ROW AND $4::interval FOLLOWING) AS times
      FROM trade AS t WHERE {_YEAR} AND t.amount_fen >= $5 AND t.amount_fen < $6
)
SELECT seller, buyer, max(times) AS trades, min(occurred_at) AS from_at, least($3::timestamptz, max(occurred_at) + $4::interval) AS to_at
  FROM below WHERE times >= $7 GROUP BY 1, 2
""",  # noqa: S608
)
BURST = DetectorStatement(
    Detector.BURST,
    1,
    f"""
WITH late AS (
    SELECT {_PAIR}, sum(t.amount_fen)::bigint AS fen, coalesce(sum(b.fen), 0)::bigint AS back_fen, count(*) AS trades,
           min(t.occurred_at) AS from_at, max(t.occurred_at) AS to_at
      FROM trade AS t LEFT JOIN LATERAL (
           SELECT sum(r.amount_fen) AS fen FROM refund AS r WHERE r.trade_id = t.id AND r.refunded_at < $3::timestamptz + $5::interval) AS b ON true
     WHERE t.ledger_id = $1 AND t.occurred_at >= $3::timestamptz - $4::interval AND t.occurred_at < $3::timestamptz
     GROUP BY 1, 2
), sold AS (
    SELECT provider_id AS seller, sum(gross_fen) AS fen FROM monthly_turnover
     WHERE ledger_id = $1 AND month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     GROUP BY 1
)
SELECT late.* FROM late JOIN sold USING (seller)
 WHERE late.back_fen > 0 AND late.back_fen * $7::bigint >= late.fen * $6::bigint
   AND (SELECT sum(l.back_fen) FROM late AS l WHERE l.seller = late.seller) * $9::bigint >= sold.fen * $8::bigint
""",  # noqa: S608
)
UNUSED = DetectorStatement(
    Detector.UNUSED,
    1,
    f"""
WITH idle AS (
    SELECT {_PAIR}, sum(t.amount_fen)::bigint AS fen, count(*) AS trades, min(t.occurred_at) AS from_at,
           max(t.occurred_at) AS to_at
      FROM trade_order AS o JOIN trade AS t ON t.id = o.trade_id
     WHERE {_YEAR} AND o.state = 'accepted' AND o.used_at IS NULL AND o.delivered_at < $8::timestamptz - $4::interval AND t.amount_fen > t.refunded_fen
       AND NOT EXISTS (SELECT FROM contract_use AS u
                        WHERE u.contract_id = o.contract_id AND u.at >= o.delivered_at
                          AND u.id NOT IN (SELECT d.use_id FROM trade_order AS a JOIN trade AS d ON d.id = a.trade_id
                                            WHERE a.contract_id = o.contract_id))
     GROUP BY 1, 2 HAVING count(*) >= $5
), sold AS (
    SELECT provider_id AS seller, sum(gross_fen) AS fen FROM monthly_turnover
     WHERE ledger_id = $1 AND month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     GROUP BY 1
)
SELECT idle.* FROM idle JOIN sold USING (seller) WHERE idle.fen * $7::bigint >= sold.fen * $6::bigint
""",  # noqa: S608
)

_STANDS = "a.state IN ('submitted', 'district_passed', 'verified')"
# Who claimed first, in any submission, keeps it; each later claim of the year is a row, beside the first. A paper shows many
# items of one application: there only its like, of one seller, day and amount, is a copy.
CLAIMED_TWICE = DetectorStatement(
    Detector.CLAIMED_TWICE,
    2,
    f"""
WITH claimed AS MATERIALIZED (
    SELECT i.id, i.application_id, i.kind, i.number, i.amount_fen, a.case_id, a.enterprise_id, c.year, k.same, k.key,
           i.declared_at, a.submission = i.submission AND {_STANDS} AS stands
      FROM subsidy_declared_item AS i JOIN subsidy_application AS a ON a.id = i.application_id
      JOIN subsidy_call AS c ON c.id = a.call_id JOIN subsidy_paper AS p ON p.id = i.paper_id
     CROSS JOIN LATERAL (VALUES (i.kind, i.key), ('contract', i.contract_id::text), ('paper', p.sha256), ('copy', concat_ws(
           '/', i.application_id, i.kind, p.sha256, i.seller_uscc, i.issued_on, i.amount_fen))) AS k (same, key)
     WHERE k.key IS NOT NULL
), repeated AS (
    SELECT *, min(declared_at) OVER (PARTITION BY same, key, application_id) AS since FROM claimed
     WHERE (same, key) IN (
           SELECT same, key FROM claimed GROUP BY same, key
           HAVING count(*) > 1 AND (same = 'copy' OR min(application_id::text COLLATE "C") < max(application_id::text COLLATE "C")))
), placed AS (
    SELECT *, first_value(id) OVER (PARTITION BY same, key ORDER BY since, application_id, id) AS first_id
      FROM repeated WHERE stands
)
SELECT DISTINCT ON (l.id, f.application_id) l.id, l.application_id, l.case_id, l.enterprise_id, l.kind, l.number, l.amount_fen,
       l.same, f.id AS first_item, f.application_id AS first_application, f.case_id AS first_case, f.enterprise_id AS first_enterprise,
       f.kind AS first_kind, f.number AS first_number
  FROM placed AS l JOIN placed AS f ON f.id = l.first_id AND f.same = l.same AND f.key = l.key
 WHERE l.year = $1 AND l.id <> f.id AND (l.same = 'copy') = (l.application_id = f.application_id)
 ORDER BY l.id, f.application_id, array_position(ARRAY['invoice', 'contract', 'paper', 'copy'], l.same)
""",  # noqa: S608
)
# What supports a claim: its invoices, or else its contracts, and no more than is left without what the books do not show as paid.
MISMATCH = DetectorStatement(
    Detector.MISMATCH,
    2,
    f"""
WITH own AS MATERIALIZED (
    SELECT DISTINCT i.contract_id FROM subsidy_application AS a JOIN subsidy_call AS l ON l.id = a.call_id
      JOIN subsidy_declared_item AS i ON i.application_id = a.id AND i.submission = a.submission
     WHERE l.year = $1 AND a.declared_fen IS NOT NULL AND {_STANDS}
), paid AS (
    SELECT contract_id, sum(amount_fen - refunded_fen) AS paid_fen FROM trade JOIN own USING (contract_id)
     WHERE recorded_at < $2 GROUP BY 1
), delivered AS (
    SELECT contract_id, count(*) AS delivered FROM contract_use AS u JOIN own USING (contract_id)
     WHERE u.fee IS NULL AND u.at < $2 GROUP BY 1
), claim AS (
    SELECT a.id AS application_id, a.case_id, a.enterprise_id, a.declared_fen,
           CASE WHEN c.state = 'verified' THEN c.investment_fen END AS verified_fen,
           coalesce(sum(i.amount_fen) FILTER (WHERE i.kind = 'invoice'), sum(i.amount_fen), 0)::bigint AS shown_fen,
           coalesce(sum(greatest(i.amount_fen - coalesce(b.paid_fen, 0), 0)) FILTER (WHERE i.contract_id IS NOT NULL), 0)::bigint AS unpaid_fen,
           coalesce(sum(i.deliveries) FILTER (WHERE i.contract_id IS NOT NULL), 0)::bigint AS deliveries,
           coalesce(sum(least(i.deliveries, coalesce(d.delivered, 0))) FILTER (WHERE i.contract_id IS NOT NULL), 0)::bigint AS delivered
      FROM subsidy_application AS a JOIN subsidy_call AS l ON l.id = a.call_id JOIN subsidy_case AS c ON c.id = a.case_id
      LEFT JOIN subsidy_declared_item AS i ON i.application_id = a.id AND i.submission = a.submission
      LEFT JOIN paid AS b USING (contract_id) LEFT JOIN delivered AS d USING (contract_id)
     WHERE l.year = $1 AND a.declared_fen IS NOT NULL AND {_STANDS}
     GROUP BY a.id, c.id
), judged AS (
    SELECT *, coalesce(verified_fen, declared_fen) - least(shown_fen, declared_fen - unpaid_fen) AS short_fen FROM claim
)
SELECT *, CASE WHEN short_fen * $4::bigint > coalesce(verified_fen, declared_fen) * $3::bigint THEN short_fen ELSE 0 END AS fen
  FROM judged
 WHERE short_fen * $4::bigint > coalesce(verified_fen, declared_fen) * $3::bigint
    OR abs(declared_fen - verified_fen) * $4::bigint > declared_fen * $3::bigint
    OR (deliveries - delivered) * $4::bigint > deliveries * $3::bigint
 ORDER BY application_id
""",  # noqa: S608
)

STATEMENTS = (RELATED, RING, PINGPONG, SPLIT, BURST, UNUSED, CLAIMED_TWICE, MISMATCH)
