"""A report adds up, whatever moved; its files are safe to open and lose no fen."""

import csv
import io
import re
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from datamarket.foundation.money import parse_yuan
from datamarket.foundation.spreadsheets.cells import csv_of, safe
from datamarket.ledger.periods.terms import PeriodState
from datamarket.ledger.reports import queries as reports
from datamarket.ledger.reports.rules import (
    HEADINGS,
    BooksReport,
    Destination,
    PeriodMovement,
    rows_of,
    sections_of,
)
from datamarket.ledger.reports.terminal import document_of
from datamarket.ledger.terms import CLEARING, AccountKind
from datamarket.participants.terms import IncomeClass

fen = st.integers(0, 10**15)
turnovers = st.lists(
    st.builds(
        PeriodMovement,
        st.sampled_from(AccountKind),
        st.one_of(st.none(), st.sampled_from(IncomeClass)),
        accounts=st.integers(1, 99),
        unsettled=st.integers(0, 9),
        opening_fen=st.integers(-(10**15), 10**15),
        debit_fen=fen,
        credit_fen=fen,
    ),
    max_size=12,
)


def report_of(found: list[PeriodMovement], state: PeriodState = PeriodState.OPEN) -> BooksReport:
    return BooksReport("202412", date(2024, 12, 1), date(2024, 12, 31), {202412: state}, sections_of(found))


@given(turnovers)
def test_every_line_and_total_adds_up(found: list[PeriodMovement]) -> None:
    report = report_of(found)
    trial, income, _, clearing = report.sections
    assert trial.total is not None
    assert trial.total.debit_fen == sum(turnover.debit_fen for turnover in found)
    for section in report.sections:
        for line in section.lines:
            before = line.opening_debit_fen - line.opening_credit_fen
            after = line.closing_debit_fen - line.closing_credit_fen
            assert after == before + line.debit_fen - line.credit_fen
            assert 0 in {line.opening_debit_fen, line.opening_credit_fen}
    assert [line.code for line in income.lines] == list(Destination)
    assert {line.code for line in clearing.lines} == CLEARING


def test_income_goes_by_the_class_of_its_owner_and_the_treasury_is_its_own() -> None:
    found = [
        PeriodMovement(AccountKind.TREASURY, None, 1, 1, 0, 0, 1),
        PeriodMovement(AccountKind.SUPPLYING_INCOME, IncomeClass.INSTITUTION, 1, 1, 0, 0, 10),
        PeriodMovement(AccountKind.SUPPLYING_INCOME, IncomeClass.ENTERPRISE, 1, 1, 0, 0, 100),
        PeriodMovement(AccountKind.PROVIDER_INCOME, IncomeClass.ENTERPRISE, 1, 1, 0, 0, 1_000),
        PeriodMovement(AccountKind.OPERATOR_INCOME, IncomeClass.INSTITUTION, 1, 1, 0, 0, 10_000),
        PeriodMovement(AccountKind.VAT_PAYABLE, None, 1, 1, 0, 0, 100_000),
        PeriodMovement(AccountKind.VENUE_FEE, IncomeClass.ENTERPRISE, 1, 1, 0, 0, 1_000_000),
    ]
    income = {line.code: line.credit_fen for line in report_of(found).sections[1].lines}
    assert income == {"treasury": 1, "institution": 10_010, "enterprise": 1_100}


def test_only_a_span_of_closed_months_is_final() -> None:
    final = {state for state in PeriodState if not report_of([], state).provisional}
    assert final == {PeriodState.CLOSED, PeriodState.ARCHIVED}
    assert document_of(report_of([]))["status_en"] == "provisional"


@given(turnovers)
def test_a_file_holds_every_fen(found: list[PeriodMovement]) -> None:
    report = report_of(found)
    rows = list(csv.reader(io.StringIO(reports.as_csv(report).decode("utf-8-sig"))))
    assert len(rows[0]) == len(HEADINGS)
    lines = [line for section in report.sections for line in (*section.lines, section.total) if line]
    for row, line in zip(rows[1:], lines, strict=True):
        assert [parse_yuan(cell) for cell in row[-6:]] == list(line.amounts)


def test_a_workbook_has_numbers_with_two_decimals_and_both_languages() -> None:
    report = report_of([PeriodMovement(AccountKind.BANK, None, 1, 1, -12_345, 5, 0)])
    book = load_workbook(io.BytesIO(reports.as_workbook(report)))
    sheet = book["报表 report"]
    assert [cell.value for cell in sheet[1]] == [zh for zh, _ in HEADINGS]
    assert [cell.value for cell in sheet[2]] == [en for _, en in HEADINGS]
    row = next(rows_of(report))
    assert row[-5] == Decimal("123.45")
    assert sheet[3][8].number_format == "#,##0.00"
    assert book["月份 months"][3][0].value == "202412"


@given(st.sampled_from(["=", "+", "-", "@", "\t", "\r"]), st.text(max_size=20))
def test_no_text_is_a_formula(sign: str, text: str) -> None:
    written = safe(sign + text)
    assert written.startswith("'") or re.fullmatch(r"[+-][0-9]+(\.[0-9]{1,2})?", written)
    [_, [cell]] = csv.reader(io.StringIO(csv_of(["x"], [[sign + "SUM(A1)"]]).decode("utf-8-sig"), newline=""))
    assert cell.startswith("'")
