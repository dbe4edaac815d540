"""/ledger/reports: the books of a month or a year, as JSON, CSV or a workbook."""

import asyncio
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Path, Query, Response
from pydantic import Field

from datamarket.auth.access import ReadLedger
from datamarket.foundation.http import (
    LedgerId,
    Reading,
    Shape,
    SliceRouter,
)
from datamarket.foundation.shapes import RowShape, attached
from datamarket.foundation.spreadsheets import cells
from datamarket.foundation.waiting.patience import takes_long
from datamarket.ledger.periods.api import PeriodNumber
from datamarket.ledger.periods.terms import PeriodState
from datamarket.ledger.reports import queries
from datamarket.ledger.reports.rules import BooksReport
from datamarket.ledger.rules import OverseersOnly

router = SliceRouter(prefix="/ledger", tags=["ledger"])
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            cells.CSV: {"schema": {"type": "string"}},
            cells.WORKBOOK: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


class ReportFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


Form = Annotated[
    ReportFormat, Query(alias="format", description="files have amounts in yuan, headings in both languages")
]


class ReportLineOut(Shape):
    """What stood before, what moved, what stands after: the net of a balance stands on one side."""

    code: str = Field(examples=["treasury"])
    label_zh: str = Field(examples=["国库（非税收入）"])
    label_en: str = Field(examples=["treasury (non-tax revenue)"])
    accounts: int
    unsettled: int = Field(description="accounts that do not stand at zero at the end")
    opening_debit_fen: int
    opening_credit_fen: int
    debit_fen: int
    credit_fen: int
    closing_debit_fen: int
    closing_credit_fen: int


class ReportSectionOut(Shape):
    """One table: trial_balance, income, taxes_and_fees or clearing."""

    code: str = Field(examples=["trial_balance"])
    label_zh: str = Field(examples=["试算平衡"])
    label_en: str = Field(examples=["trial balance"])
    lines: list[ReportLineOut]
    total: ReportLineOut | None


class ReportMonthOut(Shape):
    period: int
    state: PeriodState
    state_zh: str = Field(examples=["已关账"])
    state_en: str = Field(examples=["closed"])


class ReportOut(RowShape):
    """Provisional while one of its months is not closed: its figures may still move."""

    name: str = Field(examples=["202412"])
    from_on: date
    to_on: date
    provisional: bool
    status_zh: str = Field(examples=["未关账（暂列）"])
    status_en: str = Field(examples=["provisional"])
    months: list[ReportMonthOut]
    sections: list[ReportSectionOut]

    @classmethod
    def of(cls, row: BooksReport, **derived: Any) -> Self:
        zh, en = row.status
        months = [
            ReportMonthOut(period=period, state=state, state_zh=state.zh, state_en=state.en)
            for period, state in row.months.items()
        ]
        return super().of(row, status_zh=zh, status_en=en, months=months, **derived)


@router.get(
    "/reports/month/{period}",
    summary="The books of a month: trial balance, income, VAT and fees, clearing accounts",
    response_model=ReportOut,
    responses=_FILES,
)
@takes_long
async def month_report(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    period: PeriodNumber,
    form: Form = ReportFormat.JSON,
) -> ReportOut | Response:
    """By accounting day. Income is by destination: treasury, institution, enterprise (财资〔2024〕1号)."""
    if not actor.sees_all:
        raise OverseersOnly
    return await _answer(await queries.month_report(session, ledger_id, period), form)


@router.get(
    "/reports/year/{year}",
    summary="The books of a year: trial balance, income, VAT and fees, clearing accounts",
    response_model=ReportOut,
    responses=_FILES,
)
@takes_long
async def year_report(
    actor: ReadLedger,
    ledger_id: LedgerId,
    session: Reading,
    year: Annotated[int, Path(ge=2000, le=2999, examples=[2024])],
    form: Form = ReportFormat.JSON,
) -> ReportOut | Response:
    """The same for twelve months."""
    if not actor.sees_all:
        raise OverseersOnly
    return await _answer(await queries.year_report(session, ledger_id, year), form)


async def _answer(report: BooksReport, form: ReportFormat) -> ReportOut | Response:
    if form is ReportFormat.JSON:
        return ReportOut.of(report)
    if form is ReportFormat.CSV:
        content, media = queries.as_csv(report), cells.CSV
    else:
        content, media = await asyncio.to_thread(queries.as_workbook, report), cells.WORKBOOK
    return attached(content, media, f"ledger-{report.name}.{form}")
