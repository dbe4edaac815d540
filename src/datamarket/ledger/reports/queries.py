"""The books of a month or a year: read by set from balances at its two ends, given as tables."""

from calendar import monthrange
from datetime import date, timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import month_of_day
from datamarket.foundation.spreadsheets.cells import csv_of
from datamarket.ledger.periods import queries as period_queries
from datamarket.ledger.periods.rules import PeriodUnknown, check_period
from datamarket.ledger.periods.terms import PeriodState
from datamarket.ledger.reports.rules import (
    HEADINGS,
    BooksReport,
    PeriodMovement,
    months_of,
    rows_of,
    sections_of,
)
from datamarket.ledger.terms import AccountKind
from datamarket.participants.terms import IncomeClass

_WIDTHS = (12, 22, 30, 26, 34, 12, 14, 20, 20, 20, 20, 20, 20)
_MONTHS = (("期间", "period"), ("状态", "status"))
_TURNOVERS = text("""
SELECT a.kind, p.income_class, count(*) AS accounts,
       count(*) FILTER (WHERE ended.debit_fen <> ended.credit_fen) AS unsettled,
       sum(coalesce(begun.debit_fen - begun.credit_fen, 0))::bigint AS opening_fen,
       sum(ended.debit_fen - coalesce(begun.debit_fen, 0))::bigint AS debit_fen,
       sum(ended.credit_fen - coalesce(begun.credit_fen, 0))::bigint AS credit_fen
  FROM ledger_balances_at(:ledger_id, :to_on) AS ended
  LEFT JOIN ledger_balances_at(:ledger_id, :before) AS begun USING (account_id)
  JOIN ledger_account a ON a.ledger_id = :ledger_id AND a.id = ended.account_id
  LEFT JOIN participant p ON p.id = a.owner_id
 GROUP BY a.kind, p.income_class ORDER BY a.kind, p.income_class
""")


async def month_report(session: AsyncSession, ledger_id: int, period: int) -> BooksReport:
    """One accounting month. Raises PeriodUnknown."""
    check_period(period)
    year, month = divmod(period, 100)
    ends = date(year, month, monthrange(year, month)[1])
    return await _report(session, ledger_id, str(period), date(year, month, 1), ends)


async def year_report(session: AsyncSession, ledger_id: int, year: int) -> BooksReport:
    """Twelve accounting months. Raises PeriodUnknown."""
    check_period(year * 100 + 1)
    return await _report(session, ledger_id, str(year), date(year, 1, 1), date(year, 12, 31))


async def report_of(session: AsyncSession, ledger_id: int, span: str) -> BooksReport:
    """A month written yyyymm, or a year written yyyy. Raises PeriodUnknown."""
    if not (span.isascii() and span.isdigit()) or len(span) not in {4, 6}:
        raise PeriodUnknown
    if len(span) == 4:
        return await year_report(session, ledger_id, int(span))
    return await month_report(session, ledger_id, int(span))


async def _report(
    session: AsyncSession, ledger_id: int, name: str, from_on: date, to_on: date
) -> BooksReport:
    first, last = map(month_of_day, (from_on, to_on))
    known = await period_queries.periods_between(session, ledger_id, first, last)
    months = {
        month: PeriodState(known[month].state) if month in known else PeriodState.OPEN
        for month in range(first, last + 1)
    }
    parameters = {"ledger_id": ledger_id, "to_on": to_on, "before": from_on - timedelta(days=1)}
    found = await (await session.connection()).execute(_TURNOVERS, parameters)
    turnovers = [
        PeriodMovement(
            kind=AccountKind(row.kind),
            owners=IncomeClass(row.income_class) if row.income_class else None,
            accounts=row.accounts,
            unsettled=row.unsettled,
            opening_fen=row.opening_fen,
            debit_fen=row.debit_fen,
            credit_fen=row.credit_fen,
        )
        for row in found
    ]
    return BooksReport(name, from_on, to_on, months, sections_of(turnovers))


def as_csv(report: BooksReport) -> bytes:
    """One table; headings in both languages."""
    return csv_of([f"{zh} {en}" for zh, en in HEADINGS], rows_of(report))


def as_workbook(report: BooksReport) -> bytes:
    """A sheet with the tables, and one with the state of each month."""
    from datamarket.foundation.spreadsheets import workbooks  # noqa: PLC0415 - loads openpyxl only when asked for

    book = workbooks.new_book()
    workbooks.add_sheet(book, "报表 report", _WIDTHS, (HEADINGS, rows_of(report)))
    workbooks.add_sheet(book, "月份 months", (12, 22), (_MONTHS, months_of(report)))
    return workbooks.packed(book)
