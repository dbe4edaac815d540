"""The life of an accounting month, and its refusals, pure."""

from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.ledger.periods.terms import PeriodEvent, PeriodState

PERIOD_LIFE = Life(
    "ledger",
    "会计期间",
    "Accounting period",
    {
        (PeriodState.OPEN, PeriodEvent.BEGIN_CLOSING): PeriodState.CLOSING,
        (PeriodState.CLOSING, PeriodEvent.CANCEL_CLOSING): PeriodState.OPEN,
        (PeriodState.CLOSING, PeriodEvent.CLOSE): PeriodState.CLOSED,
        (PeriodState.CLOSED, PeriodEvent.REOPEN): PeriodState.OPEN,
        (PeriodState.CLOSED, PeriodEvent.ARCHIVE): PeriodState.ARCHIVED,
    },
    reasons=frozenset({PeriodEvent.REOPEN}),
)


class PeriodMoveRefused(Conflict):
    code = "ledger.period-move-refused"
    zh = "会计期间的状态已经变化，不允许此项变更；请重新读取。"
    en = "The month is no longer in the state this change begins with; read it again."


class PeriodOutOfOrder(Refused):
    code = "ledger.period-out-of-order"
    zh = "会计期间须按顺序关账，并按相反顺序重新打开。"
    en = "Months are closed in their order, and reopened in the opposite one."


class PeriodUnknown(Invalid):
    code = "ledger.period-unknown"
    zh = "会计期间须写作 yyyymm，例如 202412。"
    en = "A period is written yyyymm, for instance 202412."


class PeriodNotOver(Refused):
    code = "ledger.period-not-over"
    zh = "{period} 月尚未结束，不能结账；当前会计期间为 {current}。"
    en = "The month {period} is not over, so it cannot begin closing; the current one is {current}."


class EarlierMonthOpen(Refused):
    code = "ledger.earlier-month-open"
    zh = "较早的 {earlier} 月有发生额且尚未关账，须先关 {earlier} 再关 {period}。"
    en = "The earlier month {earlier} has movements and is not closed; close {earlier} before {period}."


class LaterMonthClosed(Refused):
    code = "ledger.later-month-closed"
    zh = "较晚的 {later} 月已关账，其期初余额以 {period} 月为准；须先重新打开 {later}。"
    en = "The later month {later} is closed and its opening stands on {period}; reopen {later} first."


class YearNotClosed(Refused):
    code = "ledger.year-not-closed"
    zh = "{year} 年尚未全部关账，归档须待 {december} 月关账之后。"
    en = "The year {year} is not closed as a whole; months are archived once {december} is closed."


def check_period(period: int) -> None:
    """A month is written yyyymm. Raises PeriodUnknown."""
    if not 1 <= period % 100 <= 12 or not 2000 <= period // 100 <= 2999:
        raise PeriodUnknown
