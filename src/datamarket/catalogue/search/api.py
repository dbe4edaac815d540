"""/listings: search and reading for everyone, straight from the driver to bytes."""

import inspect
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import Field

from datamarket.auth.access import SignInNeeded, Visitor
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import queries as listing_queries
from datamarket.catalogue.listings.rules import ListingFilterMisplaced, may_see_listing
from datamarket.catalogue.listings.shapes import ListingCard, ListingOut
from datamarket.catalogue.listings.terms import ListingState
from datamarket.catalogue.products.terms import Processing, QualityKey, SampleField
from datamarket.catalogue.search import facets, queries
from datamarket.catalogue.search.queries import Filters, Search
from datamarket.catalogue.search.terms import Facet, Sort
from datamarket.foundation.db import PageAsked
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    NO_NUL,
    Cursor,
    ForEveryone,
    Now,
    Page,
    Paging,
    Shape,
    SliceRouter,
    database_of,
    page_of,
)
from datamarket.foundation.inputs.cursors import decode_cursor, encode_cursor
from datamarket.foundation.inputs.hot import hot
from datamarket.foundation.replicas.lagging import may_lag, nearby

router = SliceRouter(tags=["catalogue"])
JSON = orjson.OPT_UTC_Z


class ListingDetail(ListingOut):
    """A listing with the particulars of its version."""

    resources: list[UUID]
    processing: Processing
    quality: dict[QualityKey, str]
    sample_fields: list[SampleField]


class FacetValueOut(Shape):
    """One value of a filter, and how many published listings it would leave."""

    value: str = Field(description="as the filter takes it", examples=["ocean"])
    name_zh: str = Field(examples=["海洋"])
    name_en: str = Field(examples=["ocean"])
    count: int = Field(description="under the words and the other filters", examples=[38])


class FacetOut(Shape):
    """The values of one filter that leave something, most first."""

    filter: Facet
    is_complete: bool = Field(
        description="false: the newest 5,000 listings were looked through, and each count is one at least"
    )
    values: list[FacetValueOut]


class FacetsOut(Shape):
    """What a search may be narrowed by. `found` is how many it finds, or where that is not complete, finds at least."""

    found: int = Field(examples=[484])
    is_complete: bool
    items: list[FacetOut]


@dataclass(frozen=True)
class Wish(Filters):
    """The same, as a request says it."""

    text: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_NUL, description="words, Chinese or English; all must occur"),
    ] = None

    def search(self, paging: Paging[Cursor]) -> Search:
        """With its place in the order. Raises CursorInvalid."""
        return Search(**vars(self), limit=paging.limit, after=_place(paging, self.sort))


_ANY = Wish()


async def _wish(**said: Any) -> Wish:
    """The framework would send the class itself to a thread."""
    return Wish(**said)


_wish.__signature__ = inspect.signature(Wish)  # type: ignore[attr-defined]


def _place(paging: PageAsked[Cursor], sort: Sort) -> tuple[Any, UUID] | None:
    """Where the page before ended. Raises CursorInvalid."""
    values = decode_cursor(paging.after, [datetime if sort is Sort.NEWEST else object, UUID], paging.seal)
    if values is None:
        return None
    key, last = values
    return bytes.fromhex(key) if sort is Sort.NAME else key, last


def _bytes(document: object, kind: type[Response] = ForEveryone, **headers: str) -> Response:
    return kind(orjson.dumps(document, option=JSON), headers=headers, media_type="application/json")


@router.get("/listings", summary="Search the catalogue", response_model=Page[ListingCard])
@may_lag
async def search_listings(
    request: Request,
    caller: Visitor,
    paging: Paging[Cursor],
    now: Now,
    wish: Annotated[Wish, Depends(_wish)],
    mine: Annotated[bool, Query(description="your own, or those on your venue, in any state")] = False,
    state: Annotated[ListingState | None, Query(description="with mine=true only")] = None,
) -> Page[ListingCard] | Response:
    """Published listings; with `mine=true` those of your organisation, newest first, drafts too.

    Raises ListingFilterMisplaced, CursorInvalid.
    """
    if (wish != _ANY) if mine else (state is not None):
        raise ListingFilterMisplaced
    if mine:
        return await _own_listings(request, caller, paging, state)
    search = wish.search(paging)
    rows = await queries.search_listings(nearby(request), search, now=now)
    kept = [dict(row) for row in rows[: paging.limit]]
    if len(rows) <= paging.limit:
        return _bytes({"items": kept, "next": None})
    place = queries.sort_key(rows[paging.limit - 1], search.sort)
    return _bytes({"items": kept, "next": encode_cursor([place, kept[-1]["id"]], paging.seal)})


async def _own_listings(
    request: Request, caller: Actor | None, paging: Paging[Cursor], state: ListingState | None
) -> Page[ListingCard]:
    if caller is None:
        raise SignInNeeded
    key = decode_cursor(paging.after, [UUID], paging.seal)
    async with database_of(request).transaction(reading=True) as session:
        rows = await listing_queries.list_own_listings(
            session, visible_to=caller, state=state, page=PageAsked(paging.limit, key[0] if key else None)
        )
    return page_of(rows, paging, ListingCard.of, lambda listing: [str(listing.id)])


@router.get("/listings/facets", summary="By what a search may be narrowed", response_model=FacetsOut)
@may_lag
async def count_facets(
    request: Request, _caller: Visitor, now: Now, wish: Annotated[Wish, Depends(_wish)]
) -> Response:
    """Asked with the filters of the search; the order changes nothing here."""
    counted = await facets.count_facets(nearby(request), Search(**vars(wish)), now=now)
    items = [{"filter": one.facet, "is_complete": one.is_complete, "values": one.values} for one in counted]
    of_venue, venue = counted[list(Facet).index(Facet.VENUE)], str(wish.venue or "")
    found = sum(
        one.count for one in of_venue.values if venue in {"", one.value}
    )  # each listing stands on one
    return _bytes({"found": found, "is_complete": of_venue.is_complete, "items": items})


@router.get("/listings/{listing_id}", summary="One listing", response_model=ListingDetail)
@may_lag
@hot
async def get_listing(request: Request, caller: Visitor, listing_id: UUID) -> Response:
    """Published: everyone's. Else its provider's, its venue's and the overseers'."""
    row = await queries.find_listing(nearby(request), listing_id)
    if row is None or not may_see_listing(
        caller,
        state=row["state"],
        provider_id=UUID(row["provider_id"]),
        venue_operator_id=row["venue_operator_id"],
    ):
        raise NotFound(thing="listing")
    document = dict(row)
    del document["venue_operator_id"]
    for name in ("quality", "sample_fields", "price_terms"):
        document[name] = orjson.Fragment(document[name] or "null")
    kind = ForEveryone if row["state"] == ListingState.PUBLISHED else Response
    return _bytes(document, kind, ETag=f'"{row["version"]}"')
