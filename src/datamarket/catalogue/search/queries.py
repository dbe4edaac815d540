"""The hot reads: one page of published listings, in any order, at any depth; one listing by its id.

Words and filters are terms of one inverted index. Few hits are gathered from it and sorted; a frequent
term is found sooner by walking the order itself. Which of the two is a matter of speed only: both give
the same page. Every LIMIT stands in the text of its statement, because a plan that is kept for all
parameters must know how few rows are wanted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from asyncpg import Record

from datamarket.catalogue import words
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.catalogue.search.terms import Sort
from datamarket.catalogue.terms import Category
from datamarket.foundation.db import PAGE_LIMIT, Connection, Database
from datamarket.zones.terms import UseClass

CARD = (
    "id, product_id, product_code, product_version, provider_id, venue_id, venue_code, zone_id, scenario_id,"
    " use_class, name_zh, name_en, summary_zh, summary_en, category, level, modality, delivery_form,"
    " price_model, price_fen, period_days, state, published_at, version"
)
SHOWN = ", ".join(
    f"listing.{name}::text AS {name}" if name == "id" or name.endswith("_id") else f"listing.{name}"
    for name in CARD.split(", ")
)
"""The same, ids as the text that they become in JSON anyway."""


@dataclass(frozen=True)
class Filters:
    """The words, filters and order of a search."""

    text: str | None = None
    zone: UUID | None = None
    venue: UUID | None = None
    category: Category | None = None
    delivery_form: DeliveryForm | None = None
    price_model: PriceModel | None = None
    use_class: UseClass | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True)
class Search(Filters):
    """What a visitor looks for; `after` is the sort key and id of the last listing of the page before."""

    limit: int = 20
    after: tuple[Any, UUID] | None = None

    @property
    def filters(self) -> list[str]:
        return words.filter_terms(
            zone=self.zone,
            venue=self.venue,
            category=self.category,
            form=self.delivery_form,
            price=self.price_model,
            use=self.use_class,
        )


@dataclass(frozen=True)
class _Statements:
    """One order from one kind of place: the whole list, a sorted gathering, a walk with a budget."""

    plain: str
    gather: str
    walk: str


@dataclass(frozen=True)
class Frequent:
    """How many listings hold each frequent term, as the database's statistics say; `read_at` ages them."""

    read_at: datetime
    listings: int
    holding: dict[str, int]

    def fewest(self, terms: list[str]) -> tuple[int, int]:
        """How many listings hold the rarest of the terms, at most; and how many listings there are."""
        return min(self.holding.get(term, 0) for term in terms), self.listings


_KEYS = {
    Sort.NEWEST: ("published_at", "DESC"),
    Sort.PRICE_ASC: ("price_fen", "ASC"),
    Sort.PRICE_DESC: ("price_fen", "DESC"),
    Sort.NAME: ("name_key", "ASC"),
}
_WINDOWS = (11, 21, 51, PAGE_LIMIT + 1)
_BUDGET = 2_000
_AGE = timedelta(minutes=5)
_frequent: WeakKeyDictionary[Database, Frequent] = WeakKeyDictionary()

_STATISTICS = """
SELECT c.reltuples::bigint AS listings, common.term, (common.share * c.reltuples)::bigint AS holding
FROM pg_stats s JOIN pg_class c ON c.oid = 'listing'::regclass,
     unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS common (term, share)
WHERE s.schemaname = current_schema() AND s.tablename = 'listing' AND s.attname = 'search' AND common.term IS NOT NULL
"""
_BY_ID = f"""
SELECT {SHOWN}, listing.held_by_venue, listing.reason, listing.created_at,
       listing.price_terms::text AS price_terms, v.resources::text[] AS resources,
       v.processing, v.quality::text AS quality, v.sample_fields::text AS sample_fields,
       venue.operator_id AS venue_operator_id
FROM listing JOIN product_version v ON v.id = listing.product_version_id JOIN venue ON venue.id = listing.venue_id
WHERE listing.id = $1
"""  # noqa: S608 - every part is a constant of this module


def _statements(sort: Sort, window: int, *, from_start: bool) -> _Statements:
    key, direction = _KEYS[sort]
    order = f"ORDER BY listing.{key} {direction}, listing.id {direction}"
    sign = ">" if direction == "ASC" else "<"
    here = "state = 'published'" + ("" if from_start else f" AND ({key}, id) {sign} ($1, $2)")
    first = 1 if from_start else 3
    holds = f"search @@ ${first}::text::tsquery AND phrases LIKE ALL (${first + 1}::text[])"
    # S608, thrice: every part is a constant of this module
    plain = f"SELECT {SHOWN} FROM listing WHERE {here} {order} LIMIT {window}"  # noqa: S608
    gather = (
        f"WITH hit AS MATERIALIZED (SELECT id, {key} FROM listing WHERE {here} AND {holds}),"  # noqa: S608
        f" page AS (SELECT id FROM hit AS listing {order} LIMIT {window})"
        f" SELECT {SHOWN} FROM listing WHERE id IN (SELECT id FROM page) {order}"
    )
    walked = ", ".join(dict.fromkeys([*CARD.split(", "), key, "search", "phrases"]))
    walk = (
        f"SELECT {SHOWN} FROM (SELECT {walked} FROM listing WHERE {here} {order} LIMIT {_BUDGET})"  # noqa: S608
        f" AS listing WHERE {holds} {order} LIMIT {window}"
    )
    return _Statements(plain, gather, walk)


_SQL = {
    (sort, window, from_start): _statements(sort, window, from_start=from_start)
    for sort in Sort
    for window in _WINDOWS
    for from_start in (True, False)
}


async def search_listings(database: Database, search: Search, *, now: datetime) -> list[Record]:
    """One page of published listings, and one more when there is a next page."""
    asked = words.wanted(search.text) if search.text else words.Wanted((), ())
    if search.text and not asked.terms:
        return []  # nothing in it that could stand in a listing
    terms = [*asked.terms, *search.filters]
    window = next(size for size in _WINDOWS if size > search.limit)
    statements = _SQL[search.sort, window, search.after is None]
    place = [] if search.after is None else list(search.after)
    async with database.connection() as connection:
        if not terms:
            found = await connection.fetch(statements.plain, *place)
        else:
            holds = (words.all_of(terms), [f"%{run}%" for run in asked.runs])
            statistics = await frequent_terms(database, connection, now)
            found = await _find(connection, statements, [*place, *holds], window, statistics.fewest(terms))
    return found[: search.limit + 1]


async def _find(
    connection: Connection, statements: _Statements, values: list[Any], window: int, expected: tuple[int, int]
) -> list[Record]:
    """Walking costs `window / share` rows, gathering `share * all` rows, a row of it about half as much."""
    holding, listings = expected
    if holding * holding > 2 * window * listings:
        walked = await connection.fetch(statements.walk, *values)
        if len(walked) == window:
            return walked
    return await connection.fetch(statements.gather, *values)


async def frequent_terms(database: Database, connection: Connection, now: datetime) -> Frequent:
    """What the database's own statistics say, at most so old."""
    known = _frequent.get(database)
    if known is None or now - known.read_at > _AGE:
        rows = await connection.fetch(_STATISTICS)
        holding = {row["term"]: row["holding"] for row in rows}
        known = Frequent(now, rows[0]["listings"] if rows else 0, holding)
        _frequent[database] = known
    return known


async def find_listing(database: Database, listing_id: UUID) -> Record | None:
    """One listing in any state, with the particulars of its version."""
    async with database.connection() as connection:
        return await connection.fetchrow(_BY_ID, listing_id)


def sort_key(row: Record, sort: Sort) -> object:
    """What a cursor remembers of the last listing of a page."""
    if sort is Sort.NAME:
        return words.name_key(row["name_zh"]).hex()
    return row[_KEYS[sort][0]]
