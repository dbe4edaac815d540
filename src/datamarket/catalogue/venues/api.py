"""/venues"""

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
from datamarket.catalogue.venues.tables import Venue
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
    Shape,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
    tag,
)

router = SliceRouter(tags=["catalogue"])
ManageVenues = Annotated[Actor, allow(Permission.MANAGE_VENUES)]
BasisPoints = Annotated[int, Strict(), Field(ge=0, le=10_000, description="of the price; 100 = 1 %")]
_TERMS: dict[str, Any] = {
    "name_zh": "市大数据交易平台（模拟）",
    "name_en": "City Big-Data Exchange (simulated)",
    "qualified_from": "2023-01-01",
    "source": "assumed: the list of qualified venues is not public",
    "fee_bps": 100,
    "fee_payer": "seller",
}


class VenueTermsIn(Body):
    """`qualified_from` is the day from which the venue counts for the subsidy; null: it does not."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TERMS]})
    name_zh: ShortText
    name_en: ShortText
    qualified_from: DateIn | None
    source: Prose
    fee_bps: BasisPoints
    fee_payer: FeePayer

    @property
    def terms(self) -> VenueTerms:
        return VenueTerms(
            name_zh=self.name_zh,
            name_en=self.name_en,
            qualified_from=self.qualified_from,
            source=self.source,
            fee_bps=self.fee_bps,
            fee_payer=self.fee_payer,
        )


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


class VenueOut(Shape):
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
    source: str
    fee_bps: int
    fee_payer: FeePayer
    state: VenueState
    created_at: datetime
    version: int

    @classmethod
    def of(cls, venue: Venue) -> "VenueOut":
        return cls.model_validate(venue, from_attributes=True)


class VenueEventIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"event": "close", "reason": "停业整顿"}]})
    event: VenueEvent
    reason: Prose | None = None


class VenueEventsOut(AllowedEvents[VenueState, VenueEvent]):
    """What this actor may do now."""


def _out(response: Response, venue: Venue) -> VenueOut:
    tag(response, venue.version)
    return VenueOut.of(venue)


@router.get("/venues", summary="The venues, by code")
async def list_venues(_caller: Visitor, session: Reading, paging: Paging[str]) -> Page[VenueOut]:
    rows = await queries.list_venues(session, limit=paging.limit, after=paging.after)
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
    return _out(response, venue)


@router.get("/venues/{venue_id}", summary="One venue")
async def get_venue(_caller: Visitor, session: Reading, venue_id: UUID, response: Response) -> VenueOut:
    return _out(response, await queries.get_venue(session, venue_id))


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
    check_tag(if_match, (await queries.get_venue(session, venue_id, lock=True)).version, required=True)
    venue = await actions.edit_venue(session, actor, venue_id=venue_id, terms=body.terms, now=now)
    return _out(response, venue)


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
    check_tag(if_match, (await queries.get_venue(session, venue_id, lock=True)).version)
    venue = await actions.move_venue(
        session, actor, venue_id=venue_id, event=body.event, reason=body.reason, now=now
    )
    return _out(response, venue)


@router.get("/venues/{venue_id}/allowed-events", summary="What may be done with a venue now")
async def allowed_venue_events(actor: ManageVenues, session: Reading, venue_id: UUID) -> VenueEventsOut:
    state = VenueState((await queries.get_venue(session, venue_id)).state)
    return VenueEventsOut(state=state, events=VENUE_LIFE.open_in(state))
