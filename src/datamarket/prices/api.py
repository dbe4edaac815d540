"""/prices/permitted-incomes: what operators file, its review and approval, explained to the fen."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
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
    tag,
)
from datamarket.foundation.shapes import RowShape
from datamarket.prices import actions, queries, rules
from datamarket.prices.tables import PermittedIncome
from datamarket.prices.terms import (
    IncomeEvent,
    IncomeItem,
    IncomeItemKind,
    IncomeOutcome,
    IncomeState,
    IncomeStep,
    IncomeStepKind,
)

router = SliceRouter(prefix="/prices/permitted-incomes", tags=["prices"])
FileIncome = Annotated[Actor, allow(Permission.FILE_INCOME)]
MOST_ITEMS = 100
"""What an operator files by category; its ledger stays with its auditor."""


class IncomeItemIn(Body):
    """A figure of the year, with the document that proves it."""

    kind: IncomeItemKind = Field(examples=["labour"])
    amount_fen: FenIn = Field(examples=[120_000_000])
    document: ShortText = Field(description="its number or name", examples=["2024年度成本监审报告 表3"])
    document_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="digest of the document", examples=["0f" * 32]
    )


class PermittedIncomeIn(Body):
    zone_id: UUID
    year: Annotated[int, Field(strict=True, ge=2000, le=2999)] = Field(examples=[2024])
    figures: list[IncomeItemIn] = Field(min_length=1, max_length=MOST_ITEMS)
    margin: Annotated[str, StringConstraints(max_length=20)] = Field(
        description="percentage points on the yield of ten-year treasury bonds", examples=["5.5%"]
    )


class IncomeItemOut(Shape):
    kind: IncomeItemKind
    amount_fen: int
    document: str
    document_sha256: str


class IncomeStepOut(RowShape):
    """A step; all of them add up to the income."""

    kind: IncomeStepKind
    kind_zh: str = Field(examples=["加：成本"])
    kind_en: str = Field(examples=["plus cost"])
    amount_fen: int
    source: str = Field(
        description="document, rate and base, or year and id of the income that had the excess"
    )


class PermittedIncomeOut(RowShape):
    """What an operator may earn with a zone's data in a year; once compared, what it has earned."""

    id: UUID
    zone_id: UUID
    operator_id: UUID
    year: int
    figures: list[IncomeItemOut]
    yield_rate: str = Field(examples=["2.5553%"])
    margin_rate: str = Field(examples=["5.5%"])
    steps: list[IncomeStepOut]
    amount_fen: int
    state: IncomeState
    state_zh: str = Field(examples=["已核定"])
    state_en: str = Field(examples=["approved"])
    reason: str | None
    created_at: datetime
    version: int
    compared_at: datetime | None
    actual_fen: int | None
    outcome: IncomeOutcome | None
    excess_fen: int
    deducted_fen: int = Field(description="of the excess, by incomes of later years")


class IncomeEventIn(Body):
    event: IncomeEvent = Field(examples=["approve"])
    reason: Prose | None = None


class IncomeEventsOut(AllowedEvents[IncomeState, IncomeEvent]):
    """What this actor may do now."""


def _shown(row: PermittedIncome) -> PermittedIncomeOut:
    steps = [
        IncomeStepOut.of(IncomeStep(**{**step, "kind": IncomeStepKind(step["kind"])})) for step in row.steps
    ]
    return PermittedIncomeOut.of(row, steps=steps)


def _tagged(row: PermittedIncome, response: Response) -> PermittedIncomeOut:
    tag(response, row.version)
    return _shown(row)


@router.post("", status_code=201, summary="File the permitted income of a zone and year")
async def file_income(
    actor: FileIncome, session: Writing, now: Now, body: PermittedIncomeIn, response: Response
) -> PermittedIncomeOut:
    """By the zone's operator; cost less subsidies, base × (yield + margin), tax."""
    figures = [IncomeItem(**dict(item)) for item in body.figures]
    row = await actions.file_income(session, actor, **{**dict(body), "figures": figures}, now=now)
    return _tagged(row, response)


@router.get("", summary="Permitted incomes, in the order they were filed")
async def list_incomes(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    zone: UUID | None = None,
    year: Annotated[int | None, Query(ge=2000, le=2999)] = None,
) -> Page[PermittedIncomeOut]:
    rows = await queries.list_incomes(session, visible_to=actor, zone=zone, year=year, page=paging)
    return page_of(rows, paging, _shown, lambda row: [row.id])


@router.get("/{income_id}", summary="One permitted income, explained")
async def get_income(
    actor: ReadMarket, session: Reading, income_id: UUID, response: Response
) -> PermittedIncomeOut:
    return _tagged(await queries.get_income(session, income_id, visible_to=actor), response)


@router.post("/{income_id}/events", summary="Review, approve or return it")
async def move_income(
    actor: ReadMarket,
    session: Writing,
    now: Now,
    income_id: UUID,
    body: IncomeEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> PermittedIncomeOut:
    """By three different accounts; approved, it takes off what was earned too much before."""
    row = await queries.lock_income(session, income_id, visible_to=actor)
    check_tag(if_match, row.version)
    return _tagged(
        await actions.move_income(session, actor, row, body.event, reason=body.reason, now=now), response
    )


@router.get("/{income_id}/allowed-events", summary="What may be done with it now")
async def allowed_income_events(actor: ReadMarket, session: Reading, income_id: UUID) -> IncomeEventsOut:
    row = await queries.get_income(session, income_id, visible_to=actor)
    may = {event for event, permission in rules.MOVED_BY.items() if actor.may(permission)}
    if actor.account_id == row.filed_by:
        may = set()
    if actor.account_id == row.reviewed_by:
        may.discard(IncomeEvent.APPROVE)
    return IncomeEventsOut(
        state=IncomeState(row.state),
        events=[event for event in rules.INCOME_LIFE.open_in(row.state) if event in may],
    )
