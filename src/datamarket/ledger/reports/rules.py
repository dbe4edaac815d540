"""The report of a month or a year as tables, from what moved by kind of account. Pure; amounts in fen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from datamarket.foundation.spreadsheets.cells import amount
from datamarket.foundation.states import Labelled
from datamarket.ledger.periods.terms import PeriodState
from datamarket.ledger.terms import CLEARING, AccountKind
from datamarket.participants.terms import IncomeClass

FINAL = ("已关账", "closed")
PROVISIONAL = ("未关账（暂列）", "provisional")


class Destination(Labelled):
    """To whom income belongs (财资〔2024〕1号)."""

    TREASURY = "treasury", "国库（行政单位，非税收入）", "treasury (administrative bodies, non-tax revenue)"
    INSTITUTION = "institution", "事业单位收入", "income of public institutions"
    ENTERPRISE = "enterprise", "企业收入", "income of enterprises"


_INCOME = frozenset({AccountKind.PROVIDER_INCOME, AccountKind.OPERATOR_INCOME, AccountKind.SUPPLYING_INCOME})
_DESTINATION_OF = {
    IncomeClass.ADMINISTRATIVE: Destination.TREASURY,
    IncomeClass.INSTITUTION: Destination.INSTITUTION,
    IncomeClass.ENTERPRISE: Destination.ENTERPRISE,
}


@dataclass(frozen=True)
class PeriodMovement:
    """What accounts of one kind, whose owners have one income class, held before and moved."""

    kind: AccountKind
    owners: IncomeClass | None
    accounts: int
    unsettled: int
    """How many of the accounts do not stand at zero at the end."""
    opening_fen: int
    """Debit positive."""
    debit_fen: int
    credit_fen: int


@dataclass(frozen=True)
class ReportLine:
    """A line of a report: before, moved, after. The net of a balance stands on one side."""

    code: str
    label_zh: str
    label_en: str
    accounts: int
    unsettled: int
    opening_debit_fen: int
    opening_credit_fen: int
    debit_fen: int
    credit_fen: int
    closing_debit_fen: int
    closing_credit_fen: int

    @property
    def amounts(self) -> tuple[int, int, int, int, int, int]:
        return (
            self.opening_debit_fen,
            self.opening_credit_fen,
            self.debit_fen,
            self.credit_fen,
            self.closing_debit_fen,
            self.closing_credit_fen,
        )


@dataclass(frozen=True)
class ReportSection:
    """One table of a report."""

    code: str
    label_zh: str
    label_en: str
    lines: tuple[ReportLine, ...]
    total: ReportLine | None = None


@dataclass(frozen=True)
class BooksReport:
    """A span of accounting days, both included. Provisional while one of its months may still move."""

    name: str
    from_on: date
    to_on: date
    months: Mapping[int, PeriodState]
    sections: tuple[ReportSection, ...]

    @property
    def provisional(self) -> bool:
        return not all(state in {PeriodState.CLOSED, PeriodState.ARCHIVED} for state in self.months.values())

    @property
    def status(self) -> tuple[str, str]:
        return PROVISIONAL if self.provisional else FINAL


def destination_of(turnover: PeriodMovement) -> Destination | None:
    """Whose income it is; none for what is no income. An owner who is not registered counts as an enterprise."""
    if turnover.kind is AccountKind.TREASURY:
        return Destination.TREASURY
    if turnover.kind not in _INCOME:
        return None
    return _DESTINATION_OF[turnover.owners or IncomeClass.ENTERPRISE]


def sections_of(turnovers: Sequence[PeriodMovement]) -> tuple[ReportSection, ...]:
    """Trial balance, income by destination, VAT and fees, clearing accounts."""
    by_kind = {kind: [turnover for turnover in turnovers if turnover.kind is kind] for kind in AccountKind}

    def of_kinds(kinds: Iterable[AccountKind]) -> tuple[ReportLine, ...]:
        return tuple(_line(kind, kind.labels, by_kind[kind]) for kind in kinds)

    trial = of_kinds(kind for kind in AccountKind if by_kind[kind])
    income = tuple(
        _line(
            destination,
            destination.labels,
            [turnover for turnover in turnovers if destination_of(turnover) is destination],
        )
        for destination in Destination
    )
    taxes = of_kinds((AccountKind.VAT_PAYABLE, AccountKind.VENUE_FEE))
    waiting = of_kinds(kind for kind in AccountKind if kind in CLEARING)
    return (
        ReportSection("trial_balance", "试算平衡", "trial balance", trial, _total(trial)),
        ReportSection("income", "收入归属", "income by destination", income, _total(income)),
        ReportSection("taxes_and_fees", "税与平台服务费", "VAT and venue fees", taxes),
        ReportSection("clearing", "过渡账户", "clearing accounts", waiting, _total(waiting)),
    )


def _line(code: str, label: tuple[str, str], turnovers: Iterable[PeriodMovement]) -> ReportLine:
    """The sum of some turnovers, as one line."""
    known = list(turnovers)
    opening = sum(turnover.opening_fen for turnover in known)
    debit = sum(turnover.debit_fen for turnover in known)
    credit = sum(turnover.credit_fen for turnover in known)
    closing = opening + debit - credit
    return ReportLine(
        code=str(code),
        label_zh=label[0],
        label_en=label[1],
        accounts=sum(turnover.accounts for turnover in known),
        unsettled=sum(turnover.unsettled for turnover in known),
        opening_debit_fen=max(opening, 0),
        opening_credit_fen=max(-opening, 0),
        debit_fen=debit,
        credit_fen=credit,
        closing_debit_fen=max(closing, 0),
        closing_credit_fen=max(-closing, 0),
    )


def _total(lines: Sequence[ReportLine]) -> ReportLine:
    """Each column added up: in a trial balance, debits then equal credits thrice."""
    columns = [sum(column) for column in zip(*(line.amounts for line in lines), strict=True)] or [0] * 6
    return ReportLine(
        "total",
        "合计",
        "total",
        sum(line.accounts for line in lines),
        sum(line.unsettled for line in lines),
        *columns,
    )


HEADINGS: tuple[tuple[str, str], ...] = (
    ("期间", "period"),
    ("状态", "status"),
    ("表", "table"),
    ("项目", "item"),
    ("英文项目", "item (en)"),
    ("账户数", "accounts"),
    ("未结清账户", "accounts not at zero"),
    ("期初借方（元）", "opening debit (yuan)"),
    ("期初贷方（元）", "opening credit (yuan)"),
    ("本期借方（元）", "debit (yuan)"),
    ("本期贷方（元）", "credit (yuan)"),
    ("期末借方（元）", "closing debit (yuan)"),
    ("期末贷方（元）", "closing credit (yuan)"),
)


def rows_of(report: BooksReport) -> Iterator[tuple[Any, ...]]:
    """The rows of all sections, under HEADINGS; each says of itself whether it is provisional."""
    for section in report.sections:
        for line in (*section.lines, *([section.total] if section.total else [])):
            yield (
                report.name,
                " ".join(report.status),
                f"{section.label_zh} {section.label_en}",
                line.label_zh,
                line.label_en,
                line.accounts,
                line.unsettled,
                *(amount(fen) for fen in line.amounts),
            )


def months_of(report: BooksReport) -> Iterator[tuple[str, str]]:
    """Each month with its state, in both languages."""
    for month, state in report.months.items():
        yield str(month), " ".join(state.labels)
