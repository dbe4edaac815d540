"""Counting listings by what they may be narrowed by: each value under the words and the other filters of a search.

A search that finds few is counted whole. Of one that finds many only the newest LOOKED_THROUGH listings are looked
through, and each count is one at least: a reader chooses among values, and does not wait for a million.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from datamarket.catalogue import words
from datamarket.catalogue.listings.rules import use_classes
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.catalogue.search.queries import Search, frequent_terms
from datamarket.catalogue.search.terms import Facet
from datamarket.catalogue.terms import Category
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.states import Labelled
from datamarket.zones.terms import UseClass

LOOKED_THROUGH = 5_000
_WORDS: Mapping[str, type[Labelled]] = {
    Facet.CATEGORY: Category,
    Facet.DELIVERY_FORM: DeliveryForm,
    Facet.PRICE_MODEL: PriceModel,
    Facet.USE_CLASS: UseClass,
}
_TERMS = {Facet.DELIVERY_FORM: "form", Facet.PRICE_MODEL: "price", Facet.USE_CLASS: "use"}
"""How filters are called in the index, where it is not as they are asked for."""
_COLUMNS = "zone_id, venue_id, category, delivery_form, price_model, use_class"
_USES = ", ".join(
    f"('use_class', CASE WHEN {' OR '.join(held)} THEN '{kind}' END)"
    for kind in UseClass
    for held in [
        [f"use_class = '{one}'" for one in UseClass if kind in use_classes(one)] + ["use_class IS NULL"]
    ]
)
"""A listing counts under each class that its contracts may be for; on own data, without a scenario, under all."""
_HELD = "search @@ $1::text::tsquery AND phrases LIKE ALL ($2::text[])"
_NEWEST = "ORDER BY published_at DESC, id DESC"
# S608: every part is a constant of this module
_GATHERED = f"SELECT {_COLUMNS}, true AS held FROM listing WHERE state = 'published' AND {_HELD} LIMIT {LOOKED_THROUGH + 1}"  # noqa: S608
_WALKED = (
    f"SELECT {_COLUMNS}, $1::text IS NULL OR ({_HELD}) AS held FROM listing WHERE state = 'published'"  # noqa: S608
    f" {_NEWEST} LIMIT {LOOKED_THROUGH + 1}"
)
_COUNTED = f"""
WITH alike AS MATERIALIZED (SELECT {_COLUMNS}, held, count(*) AS many FROM ({{seen}}) AS seen GROUP BY {_COLUMNS}, held),
counted AS (
    SELECT facet, value, sum(many)::int AS many FROM alike,
           LATERAL (VALUES ('zone', zone_id::text), ('venue', venue_id::text), ('category', category),
                           ('delivery_form', delivery_form), ('price_model', price_model), {_USES}) AS is_of (facet, value)
     WHERE alike.held AND value IS NOT NULL GROUP BY facet, value
)
SELECT facet, value, many, coalesce(zone.name_zh, venue.name_zh) AS name_zh, coalesce(zone.name_en, venue.name_en) AS name_en,
       (SELECT sum(many)::int FROM alike) AS looked_through
  FROM counted LEFT JOIN zone ON facet = 'zone' AND zone.id::text = value LEFT JOIN venue ON facet = 'venue' AND venue.id::text = value
 ORDER BY many DESC, value
"""  # noqa: S608 - added up over listings that are alike: a name is looked up once a value
_GATHER, _WALK = (_COUNTED.format(seen=seen) for seen in (_GATHERED, _WALKED))


@dataclass(frozen=True)
class FacetValue:
    """One value, its names, and how many listings it would leave."""

    value: str
    name_zh: str
    name_en: str
    count: int


class Counted(NamedTuple):
    """The values of one filter, most first; not complete where each count is one at least."""

    facet: Facet
    is_complete: bool
    values: Sequence[FacetValue]


async def count_facets(database: Database, search: Search, *, now: datetime) -> list[Counted]:
    """Of every filter, each value under the words and the other filters that are asked for."""
    asked = words.wanted(search.text) if search.text else words.Wanted((), ())
    if search.text and not asked.terms:
        return [Counted(facet, is_complete=True, values=()) for facet in Facet]
    terms = {facet: (*asked.terms, *_others(search, facet)) for facet in Facet}
    async with database.connection() as connection:
        statistics = await frequent_terms(database, connection, now)
        found = {
            held: await _count(
                connection, held, asked.runs, few=_is_few(statistics.fewest(list(held)) if held else None)
            )
            for held in dict.fromkeys(terms.values())
        }
    return [_counted(facet, found[terms[facet]]) for facet in Facet]


def _others(search: Search, facet: Facet) -> list[str]:
    """The filters other than this one."""
    own = f"{_TERMS.get(facet, facet)}:"
    return [term for term in search.filters if not term.startswith(own)]


def _is_few(expected: tuple[int, int] | None) -> bool:
    return expected is not None and expected[0] <= LOOKED_THROUGH


async def _count(
    connection: Connection, terms: Sequence[str], runs: Sequence[str], *, few: bool
) -> list[Record]:
    held = words.all_of(terms) or None
    return await connection.fetch(_GATHER if few else _WALK, held, [f"%{run}%" for run in runs])


def _counted(facet: Facet, rows: Sequence[Record]) -> Counted:
    values = [FacetValue(row["value"], *(_names(row)), row["many"]) for row in rows if row["facet"] == facet]
    looked_through = rows[0]["looked_through"] if rows else 0
    return Counted(facet, looked_through <= LOOKED_THROUGH, values)


def _names(row: Record) -> tuple[str, str]:
    known = _WORDS.get(row["facet"])
    return known(row["value"]).labels if known else (row["name_zh"], row["name_en"])
