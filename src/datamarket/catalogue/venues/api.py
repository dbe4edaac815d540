"""/venues: what trades where, and upon what terms. Open to visitors for reading."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import ConfigDict, Field, Strict

from datamarket.auth.access import Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import actions, queries
from datamarket.catalogue.venues.rules import VENUE_LIFE
from datamarket.catalogue.venues.terms import FeePayer, VenueEvent, VenueKind, VenueState, VenueTerms
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    Code,
    DateIn,
    IfMatch,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape

router = SliceRouter(tags=["catalogue"])
ManageVenues = Annotated[Actor, allow(Permission.MANAGE_VENUES)]
BasisPoints = Annotated[int, Strict(), Field(ge=0, le=10_000, description="of the price; 100 = 1 %")]
_TERMS: dict[str, Any] = {
    "name_zh": "市大数据交易平台（模拟）",
    "name_en": "City Big-Data Exchange (simulated)",
    "qualified_from": "2023-01-01",
    "qualified_to": None,
    "source": "assumed: the list of qualified venues is not public",
    "fee_bps": 100,
    "fee_payer": "seller",
}


class VenueTermsIn(Body):
    """`qualified_from` is the day from which the venue counts for the subsidy; null: it does not.

    On `qualified_to` it counts no more, and what was sold before still does; null: it counts on.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_TERMS]})
    name_zh: ShortText
    name_en: ShortText
    qualified_from: DateIn | None
    qualified_to: DateIn | None = None
    source: Prose
    fee_bps: BasisPoints
    fee_payer: FeePayer

    @property
    def terms(self) -> VenueTerms:
        return VenueTerms(**{name: getattr(self, name) for name in VenueTermsIn.model_fields})


class VenueIn(VenueTermsIn):
    """`categories` are those that the venue admits; none means all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _TERMS
                | {
                    "code": "V-DATA",
                    "kind": "data_exchange",
                    "operator_id": "018fdc6e-0c00-7000-8000-000000000001",
                }
            ]
        }
    )
    code: Code
    kind: VenueKind
    operator_id: UUID
    categories: list[Category] = Field(default_factory=list, max_length=len(Category))


class VenueOut(RowShape):
    """A venue, and upon what terms it works."""

    id: UUID
    code: str = Field(examples=["V-DATA"])
    name_zh: str
    name_en: str
    kind: VenueKind
    operator_id: UUID
    categories: list[Category]
    qualified_for_subsidy: bool
    qualified_from: date | None
    qualified_to: date | None
    source: str
    fee_bps: int
    fee_payer: FeePayer
    state: VenueState
    created_at: datetime
    version: int


class VenueEventIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "close", "reason": "停业整顿"}]})
    event: VenueEvent
    reason: Prose | None = None


class VenueEventsOut(AllowedEvents[VenueState, VenueEvent]):
    """What this actor may do now."""


@router.get("/venues", summary="The venues, by code")
async def list_venues(_caller: Visitor, session: Reading, paging: Paging[str]) -> Page[VenueOut]:
    rows = await queries.list_venues(session, page=paging)
    return page_of(rows, paging, VenueOut.of, lambda venue: [venue.code])


@router.post("/venues", status_code=201, summary="Open a venue")
async def open_venue(
    actor: ManageVenues, session: Writing, now: Now, body: VenueIn, response: Response
) -> VenueOut:
    venue = await actions.open_venue(
        session,
        actor,
        code=body.code,
        kind=body.kind,
        operator_id=body.operator_id,
        terms=body.terms,
        categories=body.categories,
        now=now,
    )
    return VenueOut.tagged(venue, response)


@router.get("/venues/{venue_id}", summary="One venue")
async def get_venue(_caller: Visitor, session: Reading, venue_id: UUID, response: Response) -> VenueOut:
    return VenueOut.tagged(await queries.get_venue(session, venue_id), response)


@router.patch("/venues/{venue_id}", summary="New terms of a venue")
async def edit_venue(
    actor: ManageVenues,
    session: Writing,
    now: Now,
    venue_id: UUID,
    body: VenueTermsIn,
    response: Response,
    if_match: IfMatch = None,
) -> VenueOut:
    """The whole of the terms; they hold for what is agreed from now on."""
    venue = await queries.lock_venue(session, venue_id)
    check_tag(if_match, venue.version, required=True)
    edited = await actions.edit_venue(session, actor, venue, terms=body.terms, now=now)
    return VenueOut.tagged(edited, response)


@router.post("/venues/{venue_id}/events", summary="Close or reopen a venue")
async def move_venue(
    actor: ManageVenues,
    session: Writing,
    now: Now,
    venue_id: UUID,
    body: VenueEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> VenueOut:
    venue = await queries.lock_venue(session, venue_id)
    check_tag(if_match, venue.version)
    moved = await actions.move_venue(session, actor, venue, body.event, reason=body.reason, now=now)
    return VenueOut.tagged(moved, response)


@router.get("/venues/{venue_id}/allowed-events", summary="What may be done with a venue now")
async def allowed_venue_events(actor: ManageVenues, session: Reading, venue_id: UUID) -> VenueEventsOut:
    state = VenueState((await queries.get_venue(session, venue_id)).state)
    return VenueEventsOut(state=state, events=VENUE_LIFE.open_in(state))
