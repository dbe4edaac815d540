"""/subsidy/cases: the register of "Data Elements ×" cases; who entered one does not verify what was invested."""

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    Code,
    DateIn,
    FenIn,
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
)
from datamarket.foundation.shapes import RowShape
from datamarket.subsidy.cases import actions, queries
from datamarket.subsidy.cases.queries import Beside, DoubtSeen
from datamarket.subsidy.cases.rules import CASE_LIFE
from datamarket.subsidy.cases.tables import CaseShare, SubsidyCase
from datamarket.subsidy.cases.terms import CaseEvent, CaseLevel, CaseState, DoubtKind
from datamarket.subsidy.papers import queries as papers

router = SliceRouter(prefix="/subsidy/cases", tags=["subsidy"])
RegisterCase = Annotated[Actor, allow(Permission.REGISTER_CASE)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z][a-z_]*$")]
MOST_SHARES = 20
"""Enterprises of one joint project."""


class ShareIn(Body):
    """What part of a joint project an enterprise has, as an exact fraction."""

    enterprise_id: UUID
    share: str = Field(max_length=9, pattern=r"^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$", examples=["1/3"])


SharesIn = Annotated[list[ShareIn], Field(max_length=MOST_SHARES)]


class CaseIn(Body):
    """`claimed_elsewhere` names the policy that funded the project already; null when none did. Without shares it is of one enterprise."""

    code: Code = Field(examples=["CASE-02"])
    enterprise_id: UUID = Field(description="of a joint project the leading one")
    title_zh: ShortText = Field(examples=["海洋气象数据融合支撑近海作业安全"])
    title_en: ShortText = Field(examples=["Fused ocean-weather data for safe sea work"])
    field: Word = Field(examples=["ocean"])
    level: CaseLevel = Field(examples=["national"])
    listed_on: DateIn = Field(examples=["2024-05-24"])
    list_name: ShortText = Field(
        description="as its issuer calls it, with the batch", examples=["虚构名单第一批"]
    )
    list_number: ShortText = Field(description="the list's own number of the case", examples=["07"])
    investment_fen: FenIn | None = Field(default=None, examples=[333_333_333])
    claimed_elsewhere: ShortText | None = None
    shares: SharesIn = Field(default=[])


class CaseCorrectionIn(Body):
    """What was mistyped, and why it is another now; what is not named stays. The code stays for ever."""

    reason: Prose = Field(examples=["名单编号录入有误"])
    enterprise_id: UUID | None = None
    title_zh: ShortText | None = None
    title_en: ShortText | None = None
    field: Word | None = None
    level: CaseLevel | None = None
    listed_on: DateIn | None = None
    list_name: ShortText | None = None
    list_number: ShortText | None = Field(default=None, examples=["08"])
    investment_fen: FenIn | None = None
    shares: SharesIn | None = None


class CaseEventIn(Body):
    """`verify` names the audited investment and its audit paper, `promote` the higher list with its paper, `revoke` a reason."""

    event: Literal[CaseEvent.VERIFY, CaseEvent.PROMOTE, CaseEvent.REVOKE] = Field(examples=["verify"])
    investment_fen: FenIn | None = Field(default=None, examples=[333_333_333])
    paper_id: UUID | None = None
    level: CaseLevel | None = Field(default=None, description="of the higher list")
    listed_on: DateIn | None = None
    list_name: ShortText | None = None
    list_number: ShortText | None = None
    reason: Prose | None = None


class ShareOut(Shape):
    """What part of a joint project an enterprise has."""

    enterprise_id: UUID
    share: str = Field(examples=["1/3"])

    @classmethod
    def of(cls, row: CaseShare) -> Self:
        return cls(enterprise_id=row.enterprise_id, share=str(row.part))


class DoubtOut(RowShape):
    """Another case that may be the same project: a doubt for a person, no refusal."""

    case_id: UUID
    code: str
    state: CaseState
    state_zh: str
    state_en: str
    kind: DoubtKind
    kind_zh: str
    kind_en: str

    @classmethod
    def all_of(cls, seen: Sequence[DoubtSeen]) -> list[Self]:
        return [cls.of(doubt, state=CaseState(doubt.state)) for doubt in seen]


class PromotionOut(RowShape):
    """That the case entered a higher list, and where it stood before."""

    from_level: str
    from_listed_on: date
    from_list_name: str | None
    from_list_number: str | None
    level: str
    listed_on: date
    list_name: str
    list_number: str
    paper_id: UUID = Field(description="the paper that shows it")
    promoted_by: UUID
    promoted_at: datetime


class CaseOut(RowShape):
    """A case; its investment counts while its state is `verified`."""

    id: UUID
    code: str
    state: CaseState
    state_zh: str
    state_en: str
    enterprise_id: UUID
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    list_name: str | None = Field(description="null: registered before it was asked for")
    list_number: str | None
    investment_fen: int | None
    registered_by: UUID | None
    corrected_by: UUID | None
    verified_by: UUID | None
    verified_at: datetime | None
    paper_id: UUID | None = Field(description="the audit paper of the verification")
    claimed_elsewhere: str | None
    shares: list[ShareOut] = Field(description="of a joint project; none: the enterprise's alone")
    promotions: list[PromotionOut] = Field(description="the earliest first")
    doubts: list[DoubtOut] = Field(description="for overseers: cases that may be the same project")
    created_at: datetime
    version: int

    @classmethod
    def told(cls, case: SubsidyCase, beside: Beside) -> Self:
        shares = [ShareOut.of(share) for share in beside.shares]
        promotions = [PromotionOut.of(promotion) for promotion in beside.promotions]
        return cls.of(case, shares=shares, promotions=promotions, doubts=DoubtOut.all_of(beside.doubts))


class CaseEventsOut(AllowedEvents[CaseState, CaseEvent]):
    """What this actor may do with the case now; `correct` is a PATCH of it."""

    events: list[CaseEvent] = Field(examples=[["verify", "correct", "promote", "revoke"]])


def _exact(shares: Sequence[ShareIn]) -> list[tuple[UUID, Fraction]]:
    return [(share.enterprise_id, Fraction(share.share)) for share in shares]


async def _shown(session: Reading, actor: Actor, case: SubsidyCase, response: Response) -> CaseOut:
    response.headers["ETag"] = f'"{case.version}"'
    found = await queries.beside(session, [case.id], visible_to=actor)
    return CaseOut.told(case, found[case.id])


@router.post("", status_code=201, summary="Register a case")
async def register_case(
    actor: RegisterCase, session: Writing, now: Now, body: CaseIn, response: Response
) -> CaseOut:
    """A project is registered once, under its code and its list's number; what it may be the same as stands in `doubts`."""
    entry: Any = dict(body) | {"shares": _exact(body.shares)}
    case = await actions.register_case(session, actor, **entry, now=now)
    return await _shown(session, actor, case, response)


@router.get("", summary="Cases")
async def list_cases(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    enterprise: UUID | None = None,
    level: Annotated[CaseLevel | None, Query()] = None,
    state: CaseState | None = None,
) -> Page[CaseOut]:
    """All for overseers, its own and joint ones for an enterprise; in the order of registration."""
    rows = await queries.list_cases(
        session,
        visible_to=actor,
        enterprise=enterprise,
        level=level,
        state=state,
        page=paging,
    )
    found = await queries.beside(session, [case.id for case in rows], visible_to=actor)
    return page_of(rows, paging, lambda case: CaseOut.told(case, found[case.id]), lambda case: [case.id])


@router.get("/{case_id}", summary="One case")
async def get_case(actor: ReadMarket, session: Reading, case_id: UUID, response: Response) -> CaseOut:
    return await _shown(session, actor, await queries.get_case(session, case_id, visible_to=actor), response)


@router.patch("/{case_id}", summary="Correct a case")
async def correct_case(
    actor: RegisterCase,
    session: Writing,
    now: Now,
    case_id: UUID,
    body: CaseCorrectionIn,
    response: Response,
    if_match: IfMatch = None,
) -> CaseOut:
    """A mistake in what was entered; whoever verifies then is another than whoever corrected. Not after payment."""
    case = await queries.lock_case(session, case_id, visible_to=actor)
    check_tag(if_match, case.version, required=True)
    entry = {name: value for name, value in body if value is not None}
    if body.shares is not None:
        entry["shares"] = _exact(body.shares)
    return await _shown(
        session, actor, await actions.correct_case(session, actor, case, **entry, now=now), response
    )


@router.post("/{case_id}/events", summary="Verify, promote or revoke a case")
async def move_case(
    actor: RegisterCase,
    session: Writing,
    now: Now,
    case_id: UUID,
    body: CaseEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> CaseOut:
    """Verified and promoted by another account than entered or corrected it, each with its paper; revoked with a reason, for ever."""
    case = await queries.lock_case(session, case_id, visible_to=actor)
    check_tag(if_match, case.version)
    if body.event is CaseEvent.REVOKE:
        await actions.revoke_case(session, actor, case, reason=body.reason, now=now)
        return await _shown(session, actor, case, response)
    paper = await papers.get_paper(session, body.paper_id, visible_to=actor) if body.paper_id else None
    if body.event is CaseEvent.PROMOTE:
        place = body.level, body.listed_on, body.list_name, body.list_number, paper
        to = None if None in place else actions.HigherList(*place)  # type: ignore[arg-type] # none of them is None
        await actions.promote_case(session, actor, case, to, now=now)
    else:
        investment = body.investment_fen
        await actions.verify_case(session, actor, case, investment_fen=investment, paper=paper, now=now)
    return await _shown(session, actor, case, response)


@router.get("/{case_id}/allowed-events", summary="What may be done with a case now")
async def allowed_case_events(actor: ReadMarket, session: Reading, case_id: UUID) -> CaseEventsOut:
    case = await queries.get_case(session, case_id, visible_to=actor)
    events = CASE_LIFE.open_in(case.state) if actor.may(Permission.REGISTER_CASE) else []
    never = {CaseEvent.PROMOTE} if case.level == CaseLevel.NATIONAL else set()
    if actor.account_id in {case.registered_by, case.corrected_by}:
        never = {CaseEvent.VERIFY, CaseEvent.PROMOTE}
    events = [event for event in events if event not in never]
    return CaseEventsOut(state=CaseState(case.state), events=events)
