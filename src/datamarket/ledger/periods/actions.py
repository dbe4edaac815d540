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
from datamarket.foundation.clock import month_of
from datamarket.ledger.periods import queries
from datamarket.ledger.periods.rules import (
    PERIOD_LIFE,
    EarlierMonthOpen,
    LaterMonthClosed,
    PeriodNotOver,
    YearNotClosed,
)
from datamarket.ledger.periods.tables import LedgerPeriod
from datamarket.ledger.periods.terms import PeriodEvent, PeriodState

_CLOSE = text("SELECT ledger_close_period(:ledger_id, :period, :now)")
_MOVE = text("SELECT ledger_move_period(:ledger_id, :period, :state, :target)")


async def move_period(
    session: AsyncSession,
    actor: Actor,
    row: LedgerPeriod,
    event: PeriodEvent,
    *,
    reason: str | None,
    now: datetime,
) -> LedgerPeriod:
    """One step in the life of a month, which is locked by the caller.

    `close` computes its closing balances, as a further revision when it was closed before; months without
    movements before it are closed along with it. Raises PeriodNotOver, EarlierMonthOpen, LaterMonthClosed,
    YearNotClosed, ReasonMissing.
    """
    ledger_id, period, state = row.ledger_id, row.id, PeriodState(row.state)
    target = PERIOD_LIFE.after(state, event)
    await _check(session, ledger_id, period, event, reason=reason, now=now)
    connection = await session.connection()
    facts = {"ledger_id": ledger_id, "period": period}
    if event is PeriodEvent.CLOSE:
        await connection.execute(_CLOSE, facts | {"now": now})
    else:
        await connection.execute(_MOVE, facts | {"state": state, "target": target})
    moved = await queries.get_period(session, ledger_id, period)
    await evidence.record(
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
    last = await queries.last_closed(session, ledger_id)
    if event is PeriodEvent.BEGIN_CLOSING and period >= month_of(now):
        raise PeriodNotOver(period=period, current=month_of(now))
    if event in {PeriodEvent.BEGIN_CLOSING, PeriodEvent.REOPEN} and last is not None and last > period:
        raise LaterMonthClosed(period=period, later=last)
    if event in {PeriodEvent.BEGIN_CLOSING, PeriodEvent.CLOSE}:
        earlier = await queries.first_unclosed(session, ledger_id, before=period)
        if earlier is not None:
            raise EarlierMonthOpen(period=period, earlier=earlier)
    PERIOD_LIFE.check_reason(event, reason)
    if event is PeriodEvent.ARCHIVE:
        december = period // 100 * 100 + 12
        if last is None or last < december:
            raise YearNotClosed(year=period // 100, december=december)


def _period_id(ledger_id: int, period: int) -> UUID:
    """Periods are numbers; audit events name their subject by UUID."""
    return UUID(int=ledger_id << 64 | period)
