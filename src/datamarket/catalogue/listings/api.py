"""The life of a listing: draft, decision, suspension, delisting."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import ConfigDict, Field, Strict

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings import actions, queries, rules
from datamarket.catalogue.listings.shapes import ListingOut
from datamarket.catalogue.listings.terms import ListingEvent, ListingState, PriceModel, PricePlan, PriceTier
from datamarket.catalogue.products.shapes import VersionNumber
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    FenIn,
    IfMatch,
    Now,
    PositiveFenIn,
    Prose,
    QuantityIn,
    Reading,
    SliceRouter,
    Writing,
    check_tag,
)
from datamarket.foundation.money import Fen

router = SliceRouter(tags=["catalogue"])
ListProduct = Annotated[Actor, allow(Permission.LIST_PRODUCT)]
_PLAN: dict[str, Any] = {"model": "per_period", "price_fen": 8_450_000, "period_days": 365}
_TIERS: dict[str, Any] = {
    "model": "graduated",
    "price_fen": 100,
    "tiers": [{"above": 10_000, "price_fen": 80}, {"above": 100_000, "price_fen": 50}],
    "cap_fen": 5_000_000,
}
_TWO_PART: dict[str, Any] = {"model": "two_part", "price_fen": 5, "units": 1_000, "basic_fen": 1_200_000}
MOST_TIERS = 20
"""A price list that a person can read; each price reads them all."""
_SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"


class TierIn(Body):
    above: QuantityIn = Field(description="units used in the month, above which this price holds")
    price_fen: FenIn


class PlanIn(Body):
    """Free costs nothing, all else more; only a period has days. Tax is inside the price.

    `price_fen` is the price of `units`. What is used may have a month's minimum and cap; two-part has a yearly basic
    fee; graduated and package have tiers, a package of `units` is paid whole once it is begun.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN, _TIERS, _TWO_PART]})
    model: PriceModel
    price_fen: FenIn
    period_days: Annotated[int, Strict(), Field(ge=1, le=3_660)] | None = None
    units: QuantityIn = 1
    tiers: list[TierIn] = Field(default_factory=list, max_length=MOST_TIERS)
    basic_fen: FenIn = 0
    minimum_fen: FenIn = 0
    cap_fen: PositiveFenIn | None = None

    @property
    def plan(self) -> PricePlan:
        tiers = tuple(PriceTier(tier.above, Fen(tier.price_fen)) for tier in self.tiers)
        return PricePlan(**{**dict(self), "tiers": tiers})


class ListingIn(Body):
    """`version` is the number of an approved version; the newest when left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"product_id": _SOME_ID, "venue_id": _SOME_ID, "plan": _PLAN}]}
    )
    product_id: UUID
    venue_id: UUID
    plan: PlanIn
    version: VersionNumber | None = None


class ListingPatch(Body):
    """What is left out, or null, stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": _PLAN}]})
    venue_id: UUID | None = None
    plan: PlanIn | None = None


class ListingEventIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "publish"}]})
    event: ListingEvent
    reason: Prose | None = None


class ListingEventsOut(AllowedEvents[ListingState, ListingEvent]):
    """What this actor may do now."""


@router.post("/listings", status_code=201, summary="List an approved version on a venue")
async def list_product(
    actor: ListProduct, session: Writing, now: Now, body: ListingIn, response: Response
) -> ListingOut:
    """A draft; submit it for the venue's or the authority's decision."""
    listing, _ = await actions.list_product(
        session,
        actor,
        product_id=body.product_id,
        venue_id=body.venue_id,
        plan=body.plan.plan,
        number=body.version,
        now=now,
    )
    return ListingOut.tagged(listing, response)


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
    placed = await queries.lock_listing(session, listing_id, visible_to=actor)
    check_tag(if_match, placed.listing.version, required=True)
    plan = body.plan.plan if body.plan else None
    edited, _ = await actions.edit_listing(session, actor, placed, venue_id=body.venue_id, plan=plan, now=now)
    return ListingOut.tagged(edited, response)


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
    placed = await queries.lock_listing(session, listing_id, visible_to=actor)
    check_tag(if_match, placed.listing.version)
    moved, _ = await actions.move_listing(session, actor, placed, body.event, reason=body.reason, now=now)
    return ListingOut.tagged(moved, response)


@router.get("/listings/{listing_id}/allowed-events", summary="What may be done with a listing now")
async def allowed_listing_events(actor: ReadMarket, session: Reading, listing_id: UUID) -> ListingEventsOut:
    placed = await queries.get_listing(session, listing_id, visible_to=actor)
    state = ListingState(placed.listing.state)
    events = [event for event in rules.LISTING_LIFE.open_in(state) if actions.may_move(actor, placed, event)]
    return ListingEventsOut(state=state, events=events)
