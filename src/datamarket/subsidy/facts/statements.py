"""What the books say of each enterprise and project: named, versioned SQL, each read by one grouped SELECT.

The text of a statement and its SHA-256 are kept with each snapshot; another text needs another version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import asyncpg

from datamarket.foundation.db import Connection
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.terms import sha256_of_bytes


@dataclass(frozen=True)
class SqlFact:
    """A statement and the fields of `Window` that it takes, in the order of its placeholders."""

    name: str
    version: int
    takes: tuple[str, ...]
    statement: str

    @property
    def sha256(self) -> str:
        return sha256_of_bytes(self.statement.encode())


@dataclass(frozen=True)
class Window:
    """What is looked at: a year's trades until the cut-off, as far as they were recorded by `as_of`, before it.

    The relations, venue qualifications and flagged sales that count are given, not looked up: they are stored with the
    snapshot, so that its base can be recomputed when they have changed.
    """

    ledger_id: int
    division: str
    year_start: datetime
    year_end: datetime
    until: datetime
    cutoff: datetime
    as_of: datetime
    first_day: date
    last_day: date
    run_id: UUID
    venue: Sequence[UUID] = ()
    venue_since: Sequence[datetime] = ()
    venue_until: Sequence[datetime | None] = ()
    related_a: Sequence[UUID] = ()
    related_b: Sequence[UUID] = ()
    related_from: Sequence[datetime] = ()
    related_to: Sequence[datetime | None] = ()
    flagged_seller: Sequence[UUID] = ()
    flagged_buyer: Sequence[UUID] = ()
    flagged_from: Sequence[datetime] = ()
    flagged_to: Sequence[datetime] = ()
    ring_sellers: int = 0
    ring_part: int = 0
    ring_whole: int = 1
    most_rings: int = 0


REGISTERED = SqlFact(
    "registered_in_city",
    2,
    ("division", "as_of"),
    """
SELECT id, uscc, name_zh, name_en, kind, starts_with(division, $1) AS registered
  FROM participant WHERE created_at <= $2
""",
)

# A standing ends and the next begins at the instant that this is recorded; who has withdrawn stays withdrawn.
SUSPENDED = SqlFact(
    "suspended",
    2,
    ("year_end", "cutoff"),
    """
SELECT DISTINCT participant_id FROM participant_standing
 WHERE state IN ('suspended', 'withdrawn')
   AND (from_at < $1 AND (to_at IS NULL OR to_at >= $1) OR from_at < $2 AND (to_at IS NULL OR to_at >= $2))
""",
)

VENUES = SqlFact(
    "qualified_venue",
    2,
    ("as_of",),
    """
SELECT v.id, v.code, k.qualified_from, k.qualified_to
  FROM (SELECT DISTINCT ON (venue_id) * FROM venue_qualification
         WHERE recorded_at <= $1 ORDER BY venue_id, version DESC) AS k
  JOIN venue v ON v.id = k.venue_id
 WHERE k.qualified_from IS NOT NULL ORDER BY v.id
""",
)

# The view `related_party` of what was recorded by then: an end that came to be known later is none.
RELATED = SqlFact(
    "related_party",
    3,
    ("first_day", "last_day", "as_of"),
    """
WITH RECURSIVE known AS (
    SELECT controller_id, controlled_id, from_on, CASE WHEN ended_at <= $3 THEN to_on END AS to_on
      FROM affiliation WHERE created_at <= $3
), control (controller_id, controlled_id, from_on, to_on) AS (
    SELECT * FROM known
     UNION
    SELECT c.controller_id, k.controlled_id, greatest(c.from_on, k.from_on), least(c.to_on, k.to_on)
      FROM control c JOIN known k ON k.controller_id = c.controlled_id
     WHERE (k.to_on IS NULL OR c.from_on < k.to_on) AND (c.to_on IS NULL OR k.from_on < c.to_on)
), related AS (
    SELECT controller_id AS a_id, controlled_id AS b_id, from_on, to_on FROM control
     UNION
    SELECT controlled_id, controller_id, from_on, to_on FROM control
     UNION
    SELECT a.controlled_id, b.controlled_id, greatest(a.from_on, b.from_on), least(a.to_on, b.to_on)
      FROM control a JOIN control b ON b.controller_id = a.controller_id AND b.controlled_id <> a.controlled_id
     WHERE (b.to_on IS NULL OR a.from_on < b.to_on) AND (a.to_on IS NULL OR b.from_on < a.to_on)
)
SELECT a_id, b_id, from_on, to_on FROM related
 WHERE from_on <= $2 AND (to_on IS NULL OR to_on > $1) ORDER BY a_id, b_id, from_on, to_on
""",
)

FLAGGED = SqlFact(
    "flagged_sales",
    1,
    ("ledger_id", "first_day", "as_of"),
    """
SELECT s.provider_id, s.buyer_id, s.from_at, s.to_at
  FROM integrity_flag AS f CROSS JOIN jsonb_to_recordset(f.sales)
       AS s (provider_id uuid, buyer_id uuid, from_at timestamptz, to_at timestamptz)
 WHERE f.ledger_id = $1 AND f.year = extract(year FROM $2::date) AND f.state = 'confirmed' AND f.judged_at <= $3
 ORDER BY s.provider_id, s.buyer_id, s.from_at, s.to_at
""",
)

# Items of projects that flags take off; an item that two flags are about, once. Without an item it is the whole application.
FLAGGED_INVESTMENT = SqlFact(
    "flagged_investment",
    1,
    ("ledger_id", "first_day", "as_of"),
    """
SELECT DISTINCT c.code, i.kind, i.item_id, i.fen
  FROM integrity_flag AS f CROSS JOIN jsonb_to_recordset(f.claimed_items) AS i (case_id uuid, kind text, item_id uuid, fen bigint)
  JOIN subsidy_case AS c ON c.id = i.case_id
 WHERE f.ledger_id = $1 AND f.year = extract(year FROM $2::date) AND f.state = 'confirmed' AND f.judged_at <= $3 AND i.fen > 0
 ORDER BY c.code, i.kind, i.item_id, i.fen
""",
)

_RELATED_PAIRS = """
WITH related AS (
    SELECT a_id, b_id, range_agg(tstzrange(since, until)) AS terms
      FROM unnest($9::uuid[], $10::uuid[], $11::timestamptz[], $12::timestamptz[]) AS r (a_id, b_id, since, until)
     GROUP BY a_id, b_id
), flagged AS (
    SELECT seller, buyer, range_agg(tstzrange(since, until)) AS terms
      FROM unnest($17::uuid[], $18::uuid[], $19::timestamptz[], $20::timestamptz[]) AS f (seller, buyer, since, until)
     GROUP BY seller, buyer
), """
_SALE = """back AS (
    SELECT trade_id, sum(amount_fen)::bigint AS fen FROM refund
     WHERE ledger_id = $1 AND refunded_at < $4 GROUP BY trade_id
), sale AS (
    SELECT t.provider_id, t.buyer_id, t.contract_id, t.occurred_at, t.amount_fen, coalesce(b.fen, 0) AS back_fen,
           coalesce(t.occurred_at >= q.since AND (q.until IS NULL OR t.occurred_at < q.until), false) AS qualified,
           coalesce(r.terms @> t.occurred_at, false) AS related,
           coalesce(f.terms @> t.occurred_at, false) AS flagged
      FROM trade t
      LEFT JOIN unnest($6::uuid[], $7::timestamptz[], $8::timestamptz[]) AS q (id, since, until) ON q.id = t.venue_id
      LEFT JOIN related r ON r.a_id = t.provider_id AND r.b_id = t.buyer_id
      LEFT JOIN flagged f ON f.seller = t.provider_id AND f.buyer = t.buyer_id
      LEFT JOIN back b ON b.trade_id = t.id
     WHERE t.ledger_id = $1 AND t.occurred_at >= $2 AND t.occurred_at < $3 AND t.recorded_at <= $5"""

# A sale counts when its venue was qualified on its day, its parties were unrelated then, and no confirmed flag is about it.
# Ranges and venues are few: each sale meets at most one row of each, so no join multiplies an amount.
_SUMMED = """
    SELECT provider_id, buyer_id, contract_id, qualified, related, flagged, count(*) AS trades,
           count(*) FILTER (WHERE amount_fen = 0) AS free, count(*) FILTER (WHERE amount_fen > back_fen) AS remaining,
           sum(amount_fen) AS fen, sum(back_fen) AS back_fen, min(occurred_at) FILTER (WHERE amount_fen > 0) AS first_settled
      FROM sale GROUP BY provider_id, buyer_id, contract_id, qualified, related, flagged
)
"""
_BY_TRADE = f"{_RELATED_PAIRS}{_SALE}\n), by_contract AS ({_SUMMED}"

# What is kept by contract stands for its trades where all of them count alike. They are read one by one where the
# venue began or ceased to be qualified or the parties became related or unrelated within the year, where a flag is about some of
# them, where a trade was recorded after `as_of` or a refund was not made before the cut-off.
_BY_TOTAL = f"""{_RELATED_PAIRS}kept AS MATERIALIZED (
    SELECT contract_id, provider_id, buyer_id, venue_id, sum(trades) AS trades, sum(free_trades) AS free,
           sum(remaining_trades) AS remaining, sum(gross_fen) AS fen, sum(refunded_fen) AS back_fen,
           min(first_settled_at) AS first_settled, max(last_recorded_at) AS last_recorded,
           max(last_refunded_at) AS last_refunded
      FROM monthly_turnover
     WHERE ledger_id = $1 AND month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     GROUP BY contract_id, provider_id, buyer_id, venue_id
), judged AS MATERIALIZED (
    SELECT k.*, coalesce(q.since <= $2 AND (q.until IS NULL OR q.until >= $3), false) AS qualified,
           coalesce(r.terms @> tstzrange($2, $3), false) AS related, coalesce(f.terms @> tstzrange($2, $3), false) AS flagged,
           k.last_recorded > $5 OR coalesce(k.last_refunded >= $4, false)
           OR coalesce(q.since > $2 AND q.since < $3 OR q.until > $2 AND q.until < $3, false)
           OR coalesce(r.terms && tstzrange($2, $3) AND NOT r.terms @> tstzrange($2, $3), false)
           OR coalesce(f.terms && tstzrange($2, $3) AND NOT f.terms @> tstzrange($2, $3), false) AS one_by_one
      FROM kept k
      LEFT JOIN unnest($6::uuid[], $7::timestamptz[], $8::timestamptz[]) AS q (id, since, until) ON q.id = k.venue_id
      LEFT JOIN related r ON r.a_id = k.provider_id AND r.b_id = k.buyer_id
      LEFT JOIN flagged f ON f.seller = k.provider_id AND f.buyer = k.buyer_id
), {_SALE}
       AND t.contract_id = ANY (ARRAY(SELECT contract_id FROM judged WHERE one_by_one))
), by_contract AS (
    SELECT provider_id, buyer_id, contract_id, qualified, related, flagged, trades, free, remaining, fen, back_fen, first_settled
      FROM judged WHERE NOT one_by_one
    UNION ALL{_SUMMED}"""  # noqa: S608 - constants
_SOLD_TAKES = (
    "ledger_id",
    "year_start",
    "until",
    "cutoff",
    "as_of",
    "venue",
    "venue_since",
    "venue_until",
    "related_a",
    "related_b",
    "related_from",
    "related_to",
    "ring_sellers",
    "ring_part",
    "ring_whole",
    "most_rings",
    "flagged_seller",
    "flagged_buyer",
    "flagged_from",
    "flagged_to",
)

# A row for each seller, then one for each ring: both stand on the same sums, and summing a year is what takes long.
# Only edges that are large enough beside the least of the watched sellers are joined: that bounds the search.
_SOLD = """, sold AS MATERIALIZED (
    SELECT provider_id AS seller, buyer_id AS buyer, sum(fen - back_fen) AS fen, sum(remaining)::bigint AS trades
      FROM by_contract WHERE qualified AND NOT related AND NOT flagged AND remaining > 0 GROUP BY provider_id, buyer_id
), watched AS MATERIALIZED (
    SELECT s.seller, sum(s.fen) AS net FROM sold s JOIN participant p ON p.id = s.seller
     GROUP BY s.seller, p.uscc ORDER BY net DESC, p.uscc LIMIT $13
), edge AS MATERIALIZED (
    SELECT seller, buyer, fen, trades FROM sold
     WHERE fen * $15::bigint >= (SELECT min(net) FROM watched) * $14::bigint
), ring AS (
    SELECT w.net, ARRAY[a.seller, b.seller] AS members, ARRAY[a.fen, b.fen] AS fens, ARRAY[a.trades, b.trades] AS trades
      FROM watched w JOIN edge a ON a.seller = w.seller JOIN edge b ON b.seller = a.buyer AND b.buyer = a.seller
    UNION ALL
    SELECT w.net, ARRAY[a.seller, b.seller, c.seller], ARRAY[a.fen, b.fen, c.fen], ARRAY[a.trades, b.trades, c.trades]
      FROM watched w JOIN edge a ON a.seller = w.seller JOIN edge b ON b.seller = a.buyer
      JOIN edge c ON c.seller = b.buyer AND c.buyer = a.seller
     WHERE b.buyer <> a.seller
)
SELECT provider_id, sum(trades)::bigint AS trades, sum(free)::bigint AS free, sum(fen)::bigint AS gross,
       coalesce(sum(fen) FILTER (WHERE NOT qualified), 0)::bigint AS unqualified,
       coalesce(sum(fen) FILTER (WHERE qualified AND related), 0)::bigint AS related,
       coalesce(sum(fen) FILTER (WHERE qualified AND NOT related AND flagged), 0)::bigint AS flagged,
       coalesce(sum(back_fen) FILTER (WHERE qualified AND NOT related AND NOT flagged), 0)::bigint AS refunds,
       count(first_settled) FILTER (WHERE qualified AND NOT related AND NOT flagged) AS contracts,
       min(first_settled) FILTER (WHERE qualified AND NOT related AND NOT flagged) AS first_settled,
       NULL AS codes, NULL AS fens, NULL AS ring_trades
  FROM by_contract GROUP BY provider_id
UNION ALL
(SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        ARRAY(SELECT p.uscc FROM unnest(members) WITH ORDINALITY AS m (id, place)
                JOIN participant p ON p.id = m.id ORDER BY m.place) AS codes,
        fens::bigint[], trades
   FROM ring WHERE (SELECT min(fen) FROM unnest(fens) AS fen) * $15::bigint >= net * $14::bigint
  ORDER BY (SELECT min(fen) FROM unnest(fens) AS fen) DESC, codes
  LIMIT $16)
"""
TURNOVER = SqlFact("net_platform_turnover", 4, _SOLD_TAKES, _BY_TRADE + _SOLD)
KEPT_TURNOVER = SqlFact("net_platform_turnover", 6, _SOLD_TAKES, _BY_TOTAL + _SOLD)

# What else could count, for questions: of each seller and buyer by venue and month, related and flagged sales left out, less
# refunds; apart are those that count as the venue was qualified and those that do not for that alone. Read as above.
_PAIRS = _RELATED_PAIRS
for _old, _new in zip(("$17", "$18", "$19", "$20"), ("$13", "$14", "$15", "$16"), strict=True):
    _PAIRS = _PAIRS.replace(_old, _new)
_BY_MONTH = f"""{_PAIRS}known AS MATERIALIZED (
    SELECT contract_id, provider_id, buyer_id, venue_id, max(last_recorded_at) AS last_recorded, max(last_refunded_at) AS last_refunded
      FROM monthly_turnover
     WHERE ledger_id = $1 AND month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     GROUP BY contract_id, provider_id, buyer_id, venue_id
), judged AS MATERIALIZED (
    SELECT k.contract_id, k.provider_id, k.buyer_id, k.venue_id,
           coalesce(q.since <= $2 AND (q.until IS NULL OR q.until >= $3), false) AS qualified,
           coalesce(r.terms @> tstzrange($2, $3), false) OR coalesce(f.terms @> tstzrange($2, $3), false) AS left_out,
           k.last_recorded > $5 OR coalesce(k.last_refunded >= $4, false)
           OR coalesce(q.since > $2 AND q.since < $3 OR q.until > $2 AND q.until < $3, false)
           OR coalesce(r.terms && tstzrange($2, $3) AND NOT r.terms @> tstzrange($2, $3), false)
           OR coalesce(f.terms && tstzrange($2, $3) AND NOT f.terms @> tstzrange($2, $3), false) OR $3 < $17 AS one_by_one
      FROM known k
      LEFT JOIN unnest($6::uuid[], $7::timestamptz[], $8::timestamptz[]) AS q (id, since, until) ON q.id = k.venue_id
      LEFT JOIN related r ON r.a_id = k.provider_id AND r.b_id = k.buyer_id
      LEFT JOIN flagged f ON f.seller = k.provider_id AND f.buyer = k.buyer_id
), {_SALE.replace("t.contract_id,", "t.contract_id, t.venue_id,")}
       AND t.contract_id = ANY (ARRAY(SELECT contract_id FROM judged WHERE one_by_one))
), counted AS MATERIALIZED (
    SELECT j.provider_id, j.buyer_id, j.venue_id, t.month, j.qualified, t.gross_fen - t.refunded_fen AS fen
      FROM judged j JOIN monthly_turnover t ON t.contract_id = j.contract_id
     WHERE NOT j.left_out AND NOT j.one_by_one AND t.ledger_id = $1
       AND t.month >= ($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AND t.month < ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
    UNION ALL
    SELECT provider_id, buyer_id, venue_id, date_trunc('month', occurred_at AT TIME ZONE 'Asia/Shanghai')::date, qualified, amount_fen - back_fen
      FROM sale WHERE NOT related AND NOT flagged
), summed AS (
    SELECT provider_id AS party_id, true AS sells, venue_id, month, coalesce(sum(fen) FILTER (WHERE qualified), 0)::bigint AS yes,
           coalesce(sum(fen) FILTER (WHERE NOT qualified), 0)::bigint AS no
      FROM counted GROUP BY provider_id, venue_id, month
    UNION ALL
    SELECT buyer_id, false, venue_id, month, coalesce(sum(fen) FILTER (WHERE qualified), 0)::bigint,
           coalesce(sum(fen) FILTER (WHERE NOT qualified), 0)::bigint
      FROM counted GROUP BY buyer_id, venue_id, month
)
SELECT s.party_id, s.sells, v.code, array_agg(extract(month FROM s.month)::int) AS months, array_agg(s.yes) AS yes, array_agg(s.no) AS no
  FROM summed s JOIN venue v ON v.id = s.venue_id WHERE s.yes <> 0 OR s.no <> 0 GROUP BY s.party_id, s.sells, v.code
"""  # noqa: S608 - constants
_MONTHS_TAKE = (*(name for name in _SOLD_TAKES if not name.startswith(("ring", "most"))), "year_end")
MONTHS = SqlFact("turnover_by_month", 1, _MONTHS_TAKE, _BY_MONTH)

CASES = SqlFact(
    "verified_investment",
    3,
    ("first_day", "last_day", "as_of"),
    """
SELECT c.code, c.enterprise_id, c.title_zh,
       coalesce(p.from_level, c.level) = 'national' AND coalesce(p.from_listed_on, c.listed_on) BETWEEN $1 AND $2 AS listed,
       CASE WHEN c.verified_at <= $3 THEN c.investment_fen END AS investment
  FROM subsidy_case c
  LEFT JOIN LATERAL (SELECT from_level, from_listed_on FROM subsidy_case_promotion
                      WHERE case_id = c.id AND promoted_at > $3 ORDER BY n LIMIT 1) AS p ON true
 WHERE c.created_at <= $3
""",
)

CLAIMED = SqlFact(
    "claimed_before",
    2,
    ("run_id", "as_of"),
    """
SELECT c.code FROM subsidy_case c
  JOIN subsidy_claim s ON s.enterprise_id = c.enterprise_id AND s.subject = 'project:' || c.code
  LEFT JOIN subsidy_line l ON l.id = s.line_id
 WHERE l.run_id IS DISTINCT FROM $1 AND s.claimed_at <= $2 AND (s.returned_at IS NULL OR s.returned_at > $2)
""",
)

# What is noted beside a case: a revoked one is listed no more, whatever the cut-off. It is claimed when money went to any
# of its enterprises, or was posted for another case of its number. Doubts that a revocation has settled are over.
REGISTER = SqlFact(
    "case_register",
    1,
    ("run_id", "as_of"),
    """
SELECT c.code, c.state = 'revoked' AS revoked,
       EXISTS (SELECT FROM subsidy_case o
                 JOIN subsidy_claim s ON s.subject = 'project:' || o.code AND (o.id = c.id OR s.line_id IS NOT NULL)
                 LEFT JOIN subsidy_line l ON l.id = s.line_id
                WHERE s.claimed_at <= $2 AND (s.returned_at IS NULL OR s.returned_at > $2)
                  AND (o.id = c.id AND l.run_id IS DISTINCT FROM $1 OR o.id <> c.id AND o.list_key = c.list_key)) AS claimed,
       (SELECT count(DISTINCT o.id) FROM subsidy_case_doubt d
          JOIN subsidy_case o ON o.id = CASE c.id WHEN d.case_id THEN d.other_id ELSE d.case_id END
         WHERE c.id IN (d.case_id, d.other_id)
           AND (o.state <> 'revoked' OR EXISTS (SELECT FROM subsidy_claim s WHERE s.subject = 'project:' || o.code AND s.returned_at IS NULL))) AS doubts,
       (SELECT string_agg(p.uscc || '=' || s.numerator || '/' || s.denominator, ' ' ORDER BY p.uscc COLLATE "C")
          FROM subsidy_case_share s JOIN participant p ON p.id = s.enterprise_id WHERE s.case_id = c.id) AS shares,
       ARRAY(SELECT c.enterprise_id UNION SELECT s.enterprise_id FROM subsidy_case_share s WHERE s.case_id = c.id) AS owners
  FROM subsidy_case c WHERE c.created_at <= $2
""",
)

FACTS_OF: Mapping[TurnoverOrigin, tuple[SqlFact, SqlFact]] = {
    TurnoverOrigin.TRADES: (TURNOVER, replace(TURNOVER, name="circular_turnover")),
    TurnoverOrigin.KEPT: (KEPT_TURNOVER, replace(KEPT_TURNOVER, name="circular_turnover")),
}
"""Turnover by enterprise and its rings, by what they are read from: two facts of one statement."""
SQL_FACTS = (
    REGISTERED, SUSPENDED, VENUES, RELATED, FLAGGED, MONTHS, FLAGGED_INVESTMENT,
    *(fact for pair in FACTS_OF.values() for fact in pair), CASES, CLAIMED, REGISTER,
)  # fmt: skip


async def fetch(connection: Connection, fact: SqlFact, window: Window) -> list[asyncpg.Record]:
    """The rows of one fact."""
    return await connection.fetch(fact.statement, *(getattr(window, name) for name in fact.takes))
