"""/subsidy/cases: the register of "Data Elements ×" cases, and the verification of what was invested."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    Body,
    BoolIn,
    Code,
    DateIn,
    FenIn,
    IfMatch,
    Now,
    Page,
    Paging,
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

router = SliceRouter(prefix="/subsidy/cases", tags=["subsidy"])
RegisterCase = Annotated[Actor, allow(Permission.REGISTER_CASE)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z][a-z_]*$")]


class CaseIn(Body):
    """`claimed_elsewhere` names the policy that funded the project already; null when none did."""

    code: Code = Field(examples=["CASE-02"])
    enterprise_id: UUID
    title_zh: ShortText = Field(examples=["海洋气象数据融合支撑近海作业安全"])
    title_en: ShortText = Field(examples=["Fused ocean-weather data for safe sea work"])
    field: Word = Field(examples=["ocean"])
    level: Literal["national", "provincial", "city"] = Field(examples=["national"])
    listed_on: DateIn = Field(examples=["2024-05-24"])
    investment_fen: FenIn | None = Field(default=None, examples=[333_333_333])
    verified: BoolIn = False
    claimed_elsewhere: ShortText | None = None


class CaseEventIn(Body):
    """The audited investment."""

    event: Literal["verify"] = Field(examples=["verify"])
    investment_fen: FenIn = Field(examples=[333_333_333])


class CaseOut(RowShape):
    """A case; its investment counts once `verified_by` is set."""

    id: UUID
    code: str
    enterprise_id: UUID
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    investment_fen: int | None
    verified_by: UUID | None
    verified_at: datetime | None
    claimed_elsewhere: str | None
    created_at: datetime
    version: int


class CaseEventsOut(Shape):
    """What this actor may do with the case now."""

    state: Literal["registered", "verified"]
    events: list[Literal["verify"]] = Field(examples=[["verify"]])


@router.post("", status_code=201, summary="Register a case")
async def register_case(
    actor: RegisterCase, session: Writing, now: Now, body: CaseIn, response: Response
) -> CaseOut:
    """A project is registered once: its code is taken for ever."""
    return CaseOut.tagged(await actions.register_case(session, actor, **body.model_dump(), now=now), response)


@router.get("", summary="Cases")
async def list_cases(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    enterprise: UUID | None = None,
    level: Annotated[Literal["national", "provincial", "city"] | None, Query()] = None,
) -> Page[CaseOut]:
    """All for overseers, its own for an enterprise; in the order of registration."""
    rows = await queries.list_cases(
        session,
        visible_to=actor,
        enterprise=enterprise,
        level=level,
        page=paging,
    )
    return page_of(rows, paging, CaseOut.of, lambda case: [case.id])


@router.get("/{case_id}", summary="One case")
async def get_case(actor: ReadMarket, session: Reading, case_id: UUID, response: Response) -> CaseOut:
    return CaseOut.tagged(await queries.get_case(session, case_id, visible_to=actor), response)


@router.post("/{case_id}/events", summary="Verify the investment of a case")
async def move_case(
    actor: RegisterCase,
    session: Writing,
    now: Now,
    case_id: UUID,
    body: CaseEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> CaseOut:
    """Once: what was verified is not verified again."""
    case = await queries.lock_case(session, case_id, visible_to=actor)
    check_tag(if_match, case.version)
    verified = await actions.verify_case(session, actor, case, investment_fen=body.investment_fen, now=now)
    return CaseOut.tagged(verified, response)


@router.get("/{case_id}/allowed-events", summary="What may be done with a case now")
async def allowed_case_events(actor: ReadMarket, session: Reading, case_id: UUID) -> CaseEventsOut:
    case = await queries.get_case(session, case_id, visible_to=actor)
    state: Literal["registered", "verified"] = "verified" if case.verified_by else "registered"
    may = state == "registered" and actor.may(Permission.REGISTER_CASE)
    return CaseEventsOut(state=state, events=["verify"] if may else [])
