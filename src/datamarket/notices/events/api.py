"""/events"""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.foundation.db import driver
from datamarket.foundation.http import LedgerId, Paging, Reading, Shape, SliceRouter
from datamarket.foundation.inputs.cursors import encode_cursor
from datamarket.notices.events import queries
from datamarket.notices.events.terms import LABELS, EventType, Told

router = SliceRouter(tags=["notices"])
TypesAsked = Annotated[
    list[EventType] | None,
    Query(alias="type", max_length=100, description="only these types; may be given more than once"),
]


class EventOut(Shape):
    """One thing that happened; whose it is not sees neither who did it nor its facts."""

    position: int = Field(description="its leaf in the sealed log: /evidence/proofs/{id} proves it")
    id: UUID
    type: str = Field(examples=[EventType.CONTRACT_SIGNED])
    type_zh: str | None
    type_en: str | None
    at: datetime
    subject_type: str
    subject_id: UUID
    organisation_id: UUID | None = Field(description="on whose side it was done")
    facts: dict[str, Any] | None

    @classmethod
    def of(cls, told: Told) -> Self:
        zh, en = LABELS.get(told.type, (None, None))
        return cls(type=told.type, type_zh=zh, type_en=en, **vars(told))


class EventPage(Shape):
    """A stretch of the feed. `next` is where to go on, also later; with `more` there is something behind it already."""

    items: list[EventOut]
    more: bool
    next: str


@router.get("/events", summary="What happened to one's own things, and in public, in the order of the log")
async def list_events(
    actor: ReadMarket,
    session: Reading,
    ledger_id: LedgerId,
    paging: Paging[int],
    types: TypesAsked = None,
    newest_first: Annotated[
        bool, Query(description="for readers, backwards from the end; a copy is kept by going on")
    ] = False,
) -> EventPage:
    found = await queries.read_feed(
        await driver(session),
        ledger_id,
        visible_to=actor,
        types=types or (),
        page=paging,
        newest_first=newest_first,
    )
    return EventPage(
        items=[EventOut.of(told) for told in found.events],
        more=found.more,
        next=encode_cursor([found.reached], paging.seal),
    )


@router.get("/events/{event_id}", summary="One event, once it is sealed")
async def get_event(actor: ReadMarket, session: Reading, ledger_id: LedgerId, event_id: UUID) -> EventOut:
    """What the list says of it: 404 for what is not told to the caller, or not sealed yet."""
    return EventOut.of(await queries.get_event(await driver(session), ledger_id, event_id, visible_to=actor))
