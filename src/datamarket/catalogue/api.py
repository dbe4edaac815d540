"""/listings: search and reading for everyone, straight from the driver to bytes; the life of a listing."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field, Strict

from datamarket.auth.access import SignInNeeded, Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue import actions, queries, rules, search_queries
from datamarket.catalogue.queries import Placed
from datamarket.catalogue.search_queries import Search
from datamarket.catalogue.tables import Listing
from datamarket.catalogue.terms import (
    Category,
    DeliveryForm,
    ListingEvent,
    ListingState,
    Modality,
    PriceModel,
    PricePlan,
    Processing,
    QualityKey,
    SampleField,
    Sort,
)
from datamarket.foundation import states
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import (
    NO_NUL,
    Body,
    CursorInvalid,
    FenIn,
    IfMatch,
    Limits,
    LimitsDep,
    MarketRoute,
    Now,
    Page,
    Prose,
    Reading,
    Shape,
    Writing,
    check_tag,
    database_of,
    decode_cursor,
    encode_cursor,
    page_of,
    tag,
)
from datamarket.foundation.money import Fen
from datamarket.zones.terms import Level, UseClass

router = APIRouter(route_class=MarketRoute, tags=["catalogue"])
ListProduct = Annotated[Actor, allow(Permission.LIST_PRODUCT)]
ReadMarket = Annotated[Actor, allow(Permission.READ_MARKET)]
JSON = orjson.OPT_UTC_Z
_PLAN: dict[str, Any] = {"model": "per_period", "price_fen": 8_450_000, "period_days": 365}
_SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"


class PlanIn(Body):
    """Free costs nothing, all else more; only a period has days. Tax is inside the price."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN]})
    model: PriceModel
    price_fen: FenIn
    period_days: Annotated[int, Strict(), Field(ge=1, le=3_660)] | None = None

    @property
    def plan(self) -> PricePlan:
        return PricePlan(self.model, Fen(self.price_fen), self.period_days)


class ListingIn(Body):
    """`version` is the number of an approved version; the newest when left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"product_id": _SOME_ID, "venue_id": _SOME_ID, "plan": _PLAN}]}
    )
    product_id: UUID
    venue_id: UUID
    plan: PlanIn
    version: Annotated[int, Strict(), Field(ge=1, le=10_000)] | None = None


class ListingPatch(Body):
    """What is left out, or null, stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": _PLAN}]})
    venue_id: UUID | None = None
    plan: PlanIn | None = None


class ListingEventIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "publish"}]})
    event: ListingEvent
    reason: Prose | None = None


class ListingEventsOut(Shape):
    """What this actor may do now."""

    state: ListingState
    events: list[ListingEvent]


class ListingCard(Shape):
    """What a page of the catalogue shows of a listing."""

    id: UUID
    product_id: UUID
    product_code: str = Field(examples=["OP-200"])
    product_version: int
    provider_id: UUID
    venue_id: UUID
    venue_code: str = Field(examples=["V-DATA"])
    zone_id: UUID | None
    scenario_id: UUID | None
    use_class: UseClass | None
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    category: Category
    level: Level
    modality: Modality
    delivery_form: DeliveryForm
    price_model: PriceModel
    price_fen: int
    period_days: int | None
    state: ListingState
    published_at: datetime | None
    version: int = Field(description="of this record; see ETag")

    @classmethod
    def of(cls, listing: Listing) -> "ListingCard":
        return cls.model_validate(listing, from_attributes=True)


class ListingOut(ListingCard):
    """A listing as its provider and its venue see it; `reason` is that of the last event."""

    held_by_venue: bool
    reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, listing: Listing) -> "ListingOut":
        return cls.model_validate(listing, from_attributes=True)


class ListingDetail(ListingOut):
    """A listing with the particulars of its version."""

    resources: list[UUID]
    processing: Processing
    quality: dict[QualityKey, str]
    sample_fields: list[SampleField]


class Wish:
    """The words, filters and order of a search."""

    def __init__(
        self,
        text: Annotated[
            str | None,
            Query(max_length=100, pattern=NO_NUL, description="words, Chinese or English; all must occur"),
        ] = None,
        zone: UUID | None = None,
        venue: UUID | None = None,
        category: Category | None = None,
        delivery_form: DeliveryForm | None = None,
        price_model: PriceModel | None = None,
        sort: Sort = Sort.NEWEST,
    ) -> None:
        self.text = text
        self.zone = zone
        self.venue = venue
        self.category = category
        self.delivery_form = delivery_form
        self.price_model = price_model
        self.sort = sort

    def search(self, limits: Limits) -> Search:
        """With its place in the order. Raises CursorInvalid."""
        return Search(
            text=self.text,
            zone=self.zone,
            venue=self.venue,
            category=self.category,
            delivery_form=self.delivery_form,
            price_model=self.price_model,
            sort=self.sort,
            limit=limits.limit,
            after=_place(limits.after, self.sort),
        )


def _place(cursor: str | None, sort: Sort) -> tuple[Any, UUID] | None:
    """Where the page before ended. Raises CursorInvalid."""
    kinds: dict[Sort, type] = {Sort.NEWEST: datetime, Sort.NAME: str}
    values = decode_cursor(cursor, [kinds.get(sort, int), UUID])
    if values is None:
        return None
    key, last = values
    try:
        if sort is Sort.NAME:
            return bytes.fromhex(key), last
        if sort is Sort.NEWEST:
            return key.astimezone(UTC), last
    except (ValueError, OverflowError):
        raise CursorInvalid from None
    return int(key), last


def _bytes(document: object, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(document, option=JSON), headers=headers, media_type="application/json")


def _next(request: Request, cursor: str) -> dict[str, str]:
    query = urlencode(
        [pair for pair in request.query_params.multi_items() if pair[0] != "after"] + [("after", cursor)]
    )
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


@router.get("/listings", summary="Search the catalogue", response_model=Page[ListingCard])
async def search_listings(
    request: Request,
    caller: Visitor,
    limits: LimitsDep,
    now: Now,
    wish: Annotated[Wish, Depends()],
    mine: Annotated[bool, Query(description="your own, or those on your venue, in any state")] = False,
    state: Annotated[ListingState | None, Query(description="with mine=true only")] = None,
) -> Page[ListingCard] | Response:
    """Published listings; with `mine=true` those of your organisation, newest first, drafts too."""
    if mine:
        return await _own_listings(request, caller, limits, state)
    search = wish.search(limits)
    rows = await search_queries.search_listings(database_of(request), search, now=now)
    kept = [dict(row) for row in rows[: limits.limit]]
    if len(rows) <= limits.limit:
        return _bytes({"items": kept, "next": None}, {})
    cursor = encode_cursor([search_queries.sort_key(rows[limits.limit - 1], search.sort), kept[-1]["id"]])
    return _bytes({"items": kept, "next": cursor}, _next(request, cursor))


async def _own_listings(
    request: Request, caller: Actor | None, limits: Limits, state: ListingState | None
) -> Page[ListingCard]:
    if caller is None:
        raise SignInNeeded
    cursor = decode_cursor(limits.after, [UUID])
    async with database_of(request).transaction() as session:
        rows = await queries.list_own_listings(
            session, visible_to=caller, state=state, limit=limits.limit, after=cursor[0] if cursor else None
        )
    return page_of(rows, limits, ListingCard.of, lambda listing: [str(listing.id)])


@router.get("/listings/{listing_id}", summary="One listing", response_model=ListingDetail)
async def get_listing(request: Request, caller: Visitor, listing_id: UUID) -> Response:
    """Published: everyone's. Else its provider's, its venue's and the overseers'."""
    row = await search_queries.find_listing(database_of(request), listing_id)
    if row is None or not queries.may_see_listing(
        caller,
        state=row["state"],
        provider_id=UUID(row["provider_id"]),
        venue_operator_id=row["venue_operator_id"],
    ):
        raise NotFound(thing="listing")
    document = dict(row)
    del document["venue_operator_id"]
    for name in ("quality", "sample_fields"):
        document[name] = orjson.Fragment(document[name])
    return _bytes(document, {"ETag": f'"{row["version"]}"'})


@router.post("/listings", status_code=201, summary="List an approved version on a venue")
async def list_product(
    actor: ListProduct, session: Writing, now: Now, body: ListingIn, response: Response
) -> ListingOut:
    """A draft; submit it for the venue's or the authority's decision."""
    placed = await actions.list_product(
        session,
        actor,
        product_id=body.product_id,
        venue_id=body.venue_id,
        plan=body.plan.plan,
        number=body.version,
        now=now,
    )
    return _out(response, placed)


@router.patch("/listings/{listing_id}", summary="Change a draft")
async def edit_listing(
    actor: ListProduct,
    session: Writing,
    now: Now,
    listing_id: UUID,
    body: ListingPatch,
    response: Response,
    if_match: IfMatch = None,
) -> ListingOut:
    """Venue and price, while it is a draft: what is published keeps its price."""
    listing, _ = await queries.get_listing(session, listing_id, visible_to=actor)
    check_tag(if_match, listing.version, required=True)
    plan = body.plan.plan if body.plan else None
    placed = await actions.edit_listing(
        session, actor, listing_id=listing_id, venue_id=body.venue_id, plan=plan, now=now
    )
    return _out(response, placed)


@router.post("/listings/{listing_id}/events", summary="Move a listing")
async def move_listing(
    actor: ReadMarket,
    session: Writing,
    now: Now,
    listing_id: UUID,
    body: ListingEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ListingOut:
    """submit, suspend, resume and delist are the provider's; publish, return and suspend the venue's."""
    if if_match is not None:
        listing, _ = await queries.get_listing(session, listing_id, visible_to=actor)
        check_tag(if_match, listing.version)
    placed = await actions.move_listing(
        session, actor, listing_id=listing_id, event=body.event, reason=body.reason, now=now
    )
    return _out(response, placed)


@router.get("/listings/{listing_id}/allowed-events", summary="What may be done with a listing now")
async def allowed_listing_events(actor: ReadMarket, session: Reading, listing_id: UUID) -> ListingEventsOut:
    listing, venue = await queries.get_listing(session, listing_id, visible_to=actor)
    state = ListingState(listing.state)
    events = [
        event
        for event in states.allowed_events(rules.LISTING_LIFE, state)
        if rules.may_move_listing(
            actor,
            event,
            provider_id=listing.provider_id,
            venue_operator_id=venue.operator_id,
            held_by_venue=listing.held_by_venue,
        )
    ]
    return ListingEventsOut(state=state, events=events)


def _out(response: Response, placed: Placed) -> ListingOut:
    tag(response, placed.listing.version)
    return ListingOut.of(placed.listing)
