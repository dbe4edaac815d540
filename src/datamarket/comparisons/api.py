"""/prices/reports: the yearly report of an operator: what was permitted, what was earned, what follows."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.comparisons import actions, queries
from datamarket.comparisons.queries import EarnedBy
from datamarket.foundation.http import (
    Body,
    LedgerId,
    Now,
    Page,
    Paging,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets import cells
from datamarket.foundation.waiting.patience import takes_long
from datamarket.prices import queries as incomes
from datamarket.prices.api import FileIncome
from datamarket.prices.rates import report_due
from datamarket.prices.terms import IncomeOutcome, IncomeState

router = SliceRouter(prefix="/prices/reports", tags=["prices"])
_WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {"content": {cells.WORKBOOK: {"schema": {"type": "string", "format": "binary"}}}}
}
Year = Annotated[int, Path(ge=2000, le=2998, examples=[2024])]


class PriceReportFormat(StrEnum):
    JSON = "json"
    XLSX = "xlsx"


class PriceReportIn(Body):
    income_id: UUID = Field(description="the approved permitted income of the year")


class EarnedByOut(Shape):
    product_id: UUID
    code: str = Field(examples=["OP-200"])
    name_zh: str
    name_en: str
    income_fen: int = Field(description="the operator's, net of refunds")


class PriceReportOut(RowShape):
    """Permitted and earned; `actual_fen` and `outcome` are null while nothing was reported."""

    income_id: UUID = Field(validation_alias="id")
    zone_id: UUID
    operator_id: UUID
    year: int
    state: IncomeState
    state_zh: str = Field(examples=["已比对"])
    state_en: str = Field(examples=["compared"])
    permitted_fen: int = Field(validation_alias="amount_fen")
    actual_fen: int | None
    outcome: IncomeOutcome | None
    excess_fen: int = Field(description="deducted from what is permitted in later years")
    due_on: date | None = Field(description="last day on which the report is in time")
    late: bool = Field(description="it was not there when that day was over")
    compared_at: datetime | None


class WholePriceReportOut(PriceReportOut):
    """With what each product has earned, those that earned most first."""

    products: list[EarnedByOut]


def _derived(row: Any) -> dict[str, Any]:
    return {"due_on": report_due(row.year), "late": row.late_at is not None}


def _whole(row: Any, products: list[EarnedBy]) -> WholePriceReportOut:
    return WholePriceReportOut.of(row, **_derived(row), products=products)


@router.post("", status_code=201, summary="Report a year that is over")
async def report_year(
    actor: FileIncome, session: Writing, now: Now, ledger_id: LedgerId, body: PriceReportIn
) -> WholePriceReportOut:
    """By the operator; the figures are those of the ledger."""
    row = await actions.report_year(session, actor, body.income_id, ledger_id=ledger_id, now=now)
    return _whole(row, await queries.products_of(session, body.income_id))


@router.get("/{year}", summary="What was permitted and earned in a year, zone by zone")
async def list_reports(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], year: Year, zone: UUID | None = None
) -> Page[PriceReportOut]:
    rows = await incomes.list_incomes(session, visible_to=actor, zone=zone, year=year, page=paging)
    return page_of(rows, paging, lambda row: PriceReportOut.of(row, **_derived(row)), lambda row: [row.id])


@router.get(
    "/{year}/{income_id}",
    summary="The report of one operator",
    response_model=WholePriceReportOut,
    responses=_WORKBOOK,
)
@takes_long
async def get_report(
    actor: ReadMarket,
    session: Reading,
    year: Year,
    income_id: UUID,
    form: Annotated[PriceReportFormat, Query(alias="format")] = PriceReportFormat.JSON,
) -> WholePriceReportOut | Response:
    """A workbook has amounts in yuan, and headings in both languages."""
    row = queries.reported(await incomes.get_income(session, income_id, visible_to=actor), year)
    products = await queries.products_of(session, income_id)
    if form is PriceReportFormat.JSON:
        return _whole(row, products)
    return attached(queries.as_workbook(row, products), cells.WORKBOOK, f"price-report-{year}.xlsx")
