"""/participants: registration, admission, standing, affiliations; /qualifications."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation import states
from datamarket.foundation.http import (
    NO_NUL,
    Body,
    DateIn,
    IfMatch,
    LimitsDep,
    Line,
    MarketRoute,
    Now,
    Page,
    Prose,
    Reading,
    Shape,
    Writing,
    check_tag,
    decode_cursor,
    page_of,
    tag,
)
from datamarket.participants import actions, queries, rules
from datamarket.participants.tables import Affiliation, Participant, ParticipantStanding, Qualification
from datamarket.participants.terms import (
    LABELS,
    IncomeClass,
    ParticipantEvent,
    ParticipantKind,
    ParticipantState,
    QualificationKind,
)

router = APIRouter(route_class=MarketRoute, tags=["participants"])
ReadMarket = Annotated[Actor, allow(Permission.READ_MARKET)]
ManageParticipants = Annotated[Actor, allow(Permission.MANAGE_PARTICIPANTS)]
Digits = Annotated[str, StringConstraints(max_length=20, pattern=NO_NUL)]


class ParticipantIn(Body):
    """An organisation that applies to take part."""

    uscc: Digits = Field(description="统一社会信用代码, GB 32100-2015", examples=["91370212QDMA0001XD"])
    name_zh: Line = Field(examples=["青岛示例数据科技有限公司"])
    name_en: Line = Field(examples=["Qingdao Example Data Technology"])
    kind: ParticipantKind = Field(examples=["enterprise"])
    income_class: IncomeClass = Field(examples=["enterprise"])
    division: Digits = Field(description="registered place, GB/T 2260", examples=["370212"])
    industry: Digits = Field(description="class of GB/T 4754", examples=["6431"])


class NamesIn(Body):
    """Both names, corrected before admission."""

    name_zh: Line = Field(examples=["青岛示例数据科技有限公司"])
    name_en: Line = Field(examples=["Qingdao Example Data Technology"])


class ParticipantEventIn(Body):
    """`reason` is needed to suspend and to withdraw."""

    event: ParticipantEvent = Field(examples=["suspend"])
    reason: Prose | None = Field(default=None, examples=["提供虚假材料，限期整改"])


class ParticipantOut(Shape):
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

    @classmethod
    def of(cls, participant: Participant) -> "ParticipantOut":
        zh, en = LABELS[ParticipantState(participant.state)]
        return cls.model_validate(participant.model_dump() | {"state_zh": zh, "state_en": en})


class ParticipantEventsOut(Shape):
    """What this actor may do with the participant now."""

    state: ParticipantState
    events: list[ParticipantEvent] = Field(examples=[["suspend", "withdraw"]])


class StandingOut(Shape):
    """A state held over half-open instants; `to_at` is null while it lasts."""

    ordinal: int
    state: ParticipantState
    reason: str | None
    from_at: datetime
    to_at: datetime | None

    @classmethod
    def of(cls, standing: ParticipantStanding) -> "StandingOut":
        return cls.model_validate(standing, from_attributes=True)


class AffiliationIn(Body):
    """Who controls the participant of the path, from a day until, not including, another."""

    controller_id: UUID
    from_on: DateIn = Field(examples=["2023-01-01"])
    to_on: DateIn | None = Field(default=None, examples=["2025-01-01"])


class AffiliationEventIn(Body):
    """`on` is the first day without control."""

    event: Literal["end"]
    on: DateIn = Field(examples=["2025-01-01"])


class AffiliationOut(Shape):
    """Control over half-open days; `to_on` is null while it lasts."""

    id: UUID
    controller_id: UUID
    controlled_id: UUID
    from_on: date
    to_on: date | None
    version: int

    @classmethod
    def of(cls, affiliation: Affiliation) -> "AffiliationOut":
        return cls.model_validate(affiliation, from_attributes=True)


class QualificationIn(Body):
    """A certificate; only a chief data officer's names a holder."""

    participant_id: UUID
    kind: QualificationKind = Field(examples=["data_merchant"])
    granted_by: Line = Field(examples=["市大数据主管部门"])
    granted_on: DateIn = Field(examples=["2024-01-01"])
    until_on: DateIn | None = Field(default=None, description="first day without it", examples=["2027-01-01"])
    holder: Line | None = Field(default=None, examples=["王某"])


class QualificationOut(Shape):
    """A certificate over half-open days; `until_on` is null when it has no end."""

    id: UUID
    participant_id: UUID
    kind: QualificationKind
    kind_zh: str = Field(examples=["数商"])
    kind_en: str = Field(examples=["data merchant"])
    holder: str | None
    granted_by: str
    granted_on: date
    until_on: date | None

    @classmethod
    def of(cls, qualification: Qualification) -> "QualificationOut":
        zh, en = LABELS[QualificationKind(qualification.kind)]
        return cls.model_validate(qualification.model_dump() | {"kind_zh": zh, "kind_en": en})


@router.post("/participants", status_code=201, summary="Apply for an organisation")
async def register_participant(
    actor: ManageParticipants, session: Writing, now: Now, body: ParticipantIn, response: Response
) -> ParticipantOut:
    participant = await actions.register_participant(session, actor, **dict(body), now=now)
    tag(response, participant.version)
    return ParticipantOut.of(participant)


@router.get("/participants", summary="Organisations, in the order they applied")
async def list_participants(
    actor: ReadMarket,
    session: Reading,
    limits: LimitsDep,
    kind: ParticipantKind | None = None,
    state: ParticipantState | None = None,
    text: Annotated[
        str | None,
        Query(min_length=1, max_length=100, pattern=NO_NUL, description="part of either name"),
    ] = None,
) -> Page[ParticipantOut]:
    cursor = decode_cursor(limits.after, [UUID])
    rows = await queries.list_participants(
        session, kind=kind, state=state, name=text, limit=limits.limit, after=cursor[0] if cursor else None
    )
    return page_of(rows, limits, ParticipantOut.of, lambda participant: [participant.id])


@router.get("/participants/{participant_id}", summary="One organisation")
async def get_participant(
    actor: ReadMarket, session: Reading, participant_id: UUID, response: Response
) -> ParticipantOut:
    participant = await queries.get_participant(session, participant_id)
    tag(response, participant.version)
    return ParticipantOut.of(participant)


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
    known = await queries.lock_participant(session, participant_id)
    check_tag(if_match, known.version, required=True)
    participant = await actions.rename_participant(session, actor, participant_id, **dict(body), now=now)
    tag(response, participant.version)
    return ParticipantOut.of(participant)


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
    known = await queries.lock_participant(session, participant_id)
    check_tag(if_match, known.version)
    participant = await actions.move_participant(
        session, actor, participant_id, body.event, reason=body.reason, now=now
    )
    tag(response, participant.version)
    return ParticipantOut.of(participant)


@router.get("/participants/{participant_id}/allowed-events", summary="What is open to you now")
async def allowed_events(actor: ReadMarket, session: Reading, participant_id: UUID) -> ParticipantEventsOut:
    state = ParticipantState((await queries.get_participant(session, participant_id)).state)
    may = actor.may(Permission.MANAGE_PARTICIPANTS)
    return ParticipantEventsOut(
        state=state, events=states.allowed_events(rules.ADMISSION, state) if may else []
    )


@router.get("/participants/{participant_id}/standings", summary="The states it held, oldest first")
async def list_standings(
    actor: ReadMarket, session: Reading, limits: LimitsDep, participant_id: UUID
) -> Page[StandingOut]:
    await queries.get_participant(session, participant_id)
    cursor = decode_cursor(limits.after, [int])
    rows = await queries.list_standings(
        session, participant_id, limit=limits.limit, after=cursor[0] if cursor else None
    )
    return page_of(rows, limits, StandingOut.of, lambda standing: [standing.ordinal])


@router.get("/participants/{participant_id}/affiliations", summary="Whom it controls, and who controls it")
async def list_affiliations(
    actor: ReadMarket, session: Reading, limits: LimitsDep, participant_id: UUID
) -> Page[AffiliationOut]:
    await queries.get_participant(session, participant_id)
    cursor = decode_cursor(limits.after, [UUID])
    rows = await queries.list_affiliations(
        session, participant_id, limit=limits.limit, after=cursor[0] if cursor else None
    )
    return page_of(rows, limits, AffiliationOut.of, lambda affiliation: [affiliation.id])


@router.post("/participants/{participant_id}/affiliations", status_code=201, summary="Record who controls it")
async def affiliate(
    actor: ManageParticipants, session: Writing, now: Now, participant_id: UUID, body: AffiliationIn
) -> AffiliationOut:
    for party in (participant_id, body.controller_id):
        await queries.get_participant(session, party)
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
    return AffiliationOut.of(
        await actions.end_affiliation(session, actor, participant_id, affiliation_id, on=body.on, now=now)
    )


@router.get("/qualifications", summary="Certificates, in the order they were recorded")
async def list_qualifications(
    actor: ReadMarket,
    session: Reading,
    limits: LimitsDep,
    participant: UUID | None = None,
    kind: QualificationKind | None = None,
) -> Page[QualificationOut]:
    cursor = decode_cursor(limits.after, [UUID])
    rows = await queries.list_qualifications(
        session,
        participant_id=participant,
        kind=kind,
        limit=limits.limit,
        after=cursor[0] if cursor else None,
    )
    return page_of(rows, limits, QualificationOut.of, lambda qualification: [qualification.id])


@router.post("/qualifications", status_code=201, summary="Record a certificate")
async def grant_qualification(
    actor: ManageParticipants, session: Writing, now: Now, body: QualificationIn
) -> QualificationOut:
    return QualificationOut.of(await actions.grant_qualification(session, actor, **dict(body), now=now))
