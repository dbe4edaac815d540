"""/participants/{id}/affiliations: who controls whom."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ManageParticipants, ReadMarket
from datamarket.foundation.http import (
    Body,
    DateIn,
    Now,
    Page,
    Paging,
    Reading,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.participants import queries as participants_queries
from datamarket.participants.affiliations import actions, queries

router = SliceRouter(tags=["participants"])


class AffiliationIn(Body):
    """Who controls the participant of the path, from a day until, not including, another."""

    controller_id: UUID
    from_on: DateIn = Field(examples=["2023-01-01"])
    to_on: DateIn | None = Field(default=None, examples=["2025-01-01"])


class AffiliationEventIn(Body):
    """`on` is the first day without control."""

    event: Literal["end"]
    on: DateIn = Field(examples=["2025-01-01"])


class AffiliationOut(RowShape):
    """Control over half-open days; `to_on` is null while it lasts."""

    id: UUID
    controller_id: UUID
    controlled_id: UUID
    from_on: date
    to_on: date | None
    version: int


@router.get("/participants/{participant_id}/affiliations", summary="Whom it controls, and who controls it")
async def list_affiliations(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], participant_id: UUID
) -> Page[AffiliationOut]:
    await participants_queries.get_participant(session, participant_id)
    rows = await queries.list_affiliations(session, participant_id, page=paging)
    return page_of(rows, paging, AffiliationOut.of, lambda affiliation: [affiliation.id])


@router.post("/participants/{participant_id}/affiliations", status_code=201, summary="Record who controls it")
async def affiliate(
    actor: ManageParticipants, session: Writing, now: Now, participant_id: UUID, body: AffiliationIn
) -> AffiliationOut:
    for party in (participant_id, body.controller_id):
        await participants_queries.get_participant(session, party)
    return AffiliationOut.of(
        await actions.affiliate(session, actor, controlled_id=participant_id, **dict(body), now=now)
    )


@router.post("/participants/{participant_id}/affiliations/{affiliation_id}/events", summary="End a control")
async def move_affiliation(
    actor: ManageParticipants,
    session: Writing,
    now: Now,
    participant_id: UUID,
    affiliation_id: UUID,
    body: AffiliationEventIn,
) -> AffiliationOut:
    affiliation = await queries.lock_affiliation(session, participant_id, affiliation_id)
    return AffiliationOut.of(await actions.end_affiliation(session, actor, affiliation, on=body.on, now=now))
