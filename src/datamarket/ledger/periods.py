"""The life of an accounting month: open, closing, closed with its balances, archived.

Closed months are always the first ones, without a gap. The database keeps that, and is the only one to
write closing balances; here stand the decisions, and the sentence for each refusal.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation import states
from datamarket.foundation.clock import month_of
from datamarket.foundation.errors import Invalid, Refused
from datamarket.ledger import period_queries
from datamarket.ledger.rules import PERIOD_EVENTS
from datamarket.ledger.tables import LedgerPeriod
from datamarket.ledger.terms import PeriodEvent, PeriodState

_LOCK = text("SELECT pg_advisory_xact_lock(:ledger_id, 1)")
_CLOSE = text("SELECT ledger_close_period(:ledger_id, :period, :now)")
_MOVE = text("SELECT ledger_move_period(:ledger_id, :period, :state, :target)")


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


class ReasonMissing(Invalid):
    code = "ledger.reason-missing"
    zh = "重新打开已关账的月份须写明理由。"
    en = "Reopening a closed month needs a reason."


def check_period(period: int) -> None:
    """A month is written yyyymm. Raises PeriodUnknown."""
    if not 1 <= period % 100 <= 12 or not 2000 <= period // 100 <= 2999:
        raise PeriodUnknown


async def lock_period(session: AsyncSession, ledger_id: int, period: int) -> LedgerPeriod:
    """A month that nobody else moves, and into which nobody posts, until the transaction ends.

    One whose state was never set is open, at version 0.
    """
    check_period(period)
    await (await session.connection()).execute(_LOCK, {"ledger_id": ledger_id})
    return await period_queries.get_period(session, ledger_id, period)


async def move_period(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    period: int,
    event: PeriodEvent,
    *,
    reason: str | None,
    now: datetime,
) -> LedgerPeriod:
    """One step in the life of a month.

    `close` computes its closing balances, as a further revision when it was closed before; months without
    movements before it are closed along with it. Raises PeriodNotOver, EarlierMonthOpen, LaterMonthClosed,
    YearNotClosed, ReasonMissing.
    """
    row = await lock_period(session, ledger_id, period)
    state = PeriodState(row.state)
    target = states.next_state(PERIOD_EVENTS, state, event)
    await _check(session, ledger_id, period, event, reason=reason, now=now)
    connection = await session.connection()
    facts = {"ledger_id": ledger_id, "period": period}
    if event is PeriodEvent.CLOSE:
        await connection.execute(_CLOSE, facts | {"now": now})
    else:
        await connection.execute(_MOVE, facts | {"state": state, "target": target})
    moved = await period_queries.get_period(session, ledger_id, period)
    evidence.record(
        session,
        actor,
        f"ledger.{event}-period",
        ("period", _period_id(ledger_id, period)),
        now=now,
        period=period,
        reason=reason,
        revision=moved.revision,
        closing_root=moved.closing_root.hex() if moved.closing_root else None,
    )
    await session.flush()
    return moved


async def _check(
    session: AsyncSession,
    ledger_id: int,
    period: int,
    event: PeriodEvent,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    """What the calendar and the other months say to an event that the state allows."""
    last = await period_queries.last_closed(session, ledger_id)
    if event is PeriodEvent.BEGIN_CLOSING and period >= month_of(now):
        raise PeriodNotOver(period=period, current=month_of(now))
    if event in {PeriodEvent.BEGIN_CLOSING, PeriodEvent.REOPEN} and last is not None and last > period:
        raise LaterMonthClosed(period=period, later=last)
    if event in {PeriodEvent.BEGIN_CLOSING, PeriodEvent.CLOSE}:
        earlier = await period_queries.first_unclosed(session, ledger_id, before=period)
        if earlier is not None:
            raise EarlierMonthOpen(period=period, earlier=earlier)
    if event is PeriodEvent.REOPEN and reason is None:
        raise ReasonMissing
    if event is PeriodEvent.ARCHIVE:
        december = period // 100 * 100 + 12
        if last is None or last < december:
            raise YearNotClosed(year=period // 100, december=december)


def _period_id(ledger_id: int, period: int) -> UUID:
    """Periods are numbers; audit events name their subject by UUID."""
    return UUID(int=ledger_id << 64 | period)
