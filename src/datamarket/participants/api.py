"""/participants: registration, admission, the states held."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ManageParticipants, ReadMarket
from datamarket.auth.terms import Permission
from datamarket.foundation.http import (
    NO_NUL,
    AllowedEvents,
    Body,
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
from datamarket.participants import actions, queries, rules
from datamarket.participants.terms import (
    IncomeClass,
    ParticipantEvent,
    ParticipantKind,
    ParticipantState,
)

router = SliceRouter(tags=["participants"])
Digits = Annotated[str, StringConstraints(max_length=20, pattern=NO_NUL)]


class ParticipantIn(Body):
    """An organisation that applies to take part."""

    uscc: Digits = Field(description="统一社会信用代码, GB 32100-2015", examples=["91370212QDMA0001XD"])
    name_zh: ShortText = Field(examples=["青岛示例数据科技有限公司"])
    name_en: ShortText = Field(examples=["Qingdao Example Data Technology"])
    kind: ParticipantKind = Field(examples=["enterprise"])
    income_class: IncomeClass = Field(examples=["enterprise"])
    division: Digits = Field(description="registered place, GB/T 2260", examples=["370212"])
    industry: Digits = Field(description="class of GB/T 4754", examples=["6431"])


class NamesIn(Body):
    """Both names, corrected before admission."""

    name_zh: ShortText = Field(examples=["青岛示例数据科技有限公司"])
    name_en: ShortText = Field(examples=["Qingdao Example Data Technology"])


class ParticipantEventIn(Body):
    """`reason` is needed to suspend and to withdraw."""

    event: ParticipantEvent = Field(examples=["suspend"])
    reason: Prose | None = Field(default=None, examples=["提供虚假材料，限期整改"])


class ParticipantOut(RowShape):
    """An organisation, and whether it may act in the market now."""

    id: UUID
    uscc: str = Field(examples=["91370212QDMA0001XD"])
    name_zh: str
    name_en: str
    kind: ParticipantKind
    income_class: IncomeClass
    division: str = Field(examples=["370212"])
    industry: str = Field(examples=["6431"])
    state: ParticipantState
    state_zh: str = Field(examples=["已准入"])
    state_en: str = Field(examples=["admitted"])
    created_at: datetime
    version: int


class ParticipantEventsOut(AllowedEvents[ParticipantState, ParticipantEvent]):
    """What this actor may do with the participant now."""

    events: list[ParticipantEvent] = Field(examples=[["suspend", "withdraw"]])


class StandingOut(RowShape):
    """A state held over half-open instants; `to_at` is null while it lasts."""

    ordinal: int
    state: ParticipantState
    reason: str | None
    from_at: datetime
    to_at: datetime | None


@router.post("/participants", status_code=201, summary="Apply for an organisation")
async def register_participant(
    actor: ManageParticipants, session: Writing, now: Now, body: ParticipantIn, response: Response
) -> ParticipantOut:
    participant = await actions.register_participant(session, actor, **dict(body), now=now)
    return ParticipantOut.tagged(participant, response)


@router.get("/participants", summary="Organisations, in the order they applied")
async def list_participants(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    kind: ParticipantKind | None = None,
    state: ParticipantState | None = None,
    text: Annotated[
        str | None,
        Query(min_length=1, max_length=100, pattern=NO_NUL, description="part of either name"),
    ] = None,
) -> Page[ParticipantOut]:
    rows = await queries.list_participants(session, kind=kind, state=state, name=text, page=paging)
    return page_of(rows, paging, ParticipantOut.of, lambda participant: [participant.id])


@router.get("/participants/{participant_id}", summary="One organisation")
async def get_participant(
    actor: ReadMarket, session: Reading, participant_id: UUID, response: Response
) -> ParticipantOut:
    return ParticipantOut.tagged(await queries.get_participant(session, participant_id), response)


@router.patch("/participants/{participant_id}", summary="Correct the names before admission")
async def rename_participant(
    actor: ManageParticipants,
    session: Writing,
    now: Now,
    participant_id: UUID,
    body: NamesIn,
    response: Response,
    if_match: IfMatch = None,
) -> ParticipantOut:
    participant = await queries.lock_participant(session, participant_id)
    check_tag(if_match, participant.version, required=True)
    renamed = await actions.rename_participant(session, actor, participant, **dict(body), now=now)
    return ParticipantOut.tagged(renamed, response)


@router.post("/participants/{participant_id}/events", summary="Admit, suspend, restore or withdraw")
async def move_participant(
    actor: ManageParticipants,
    session: Writing,
    now: Now,
    participant_id: UUID,
    body: ParticipantEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ParticipantOut:
    participant = await queries.lock_participant(session, participant_id)
    check_tag(if_match, participant.version)
    moved = await actions.move_participant(
        session, actor, participant, body.event, reason=body.reason, now=now
    )
    return ParticipantOut.tagged(moved, response)


@router.get("/participants/{participant_id}/allowed-events", summary="What is open to you now")
async def allowed_events(actor: ReadMarket, session: Reading, participant_id: UUID) -> ParticipantEventsOut:
    state = ParticipantState((await queries.get_participant(session, participant_id)).state)
    may = actor.may(Permission.MANAGE_PARTICIPANTS)
    return ParticipantEventsOut(state=state, events=rules.PARTICIPANT_LIFE.open_in(state) if may else [])


@router.get("/participants/{participant_id}/standings", summary="The states it held, oldest first")
async def list_standings(
    actor: ReadMarket, session: Reading, paging: Paging[int], participant_id: UUID
) -> Page[StandingOut]:
    await queries.get_participant(session, participant_id)
    rows = await queries.list_standings(session, participant_id, page=paging)
    return page_of(rows, paging, StandingOut.of, lambda standing: [standing.ordinal])
