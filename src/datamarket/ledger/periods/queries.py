"""Reading months and what stood at their ends."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, keyset
from datamarket.ledger.periods.rules import check_period
from datamarket.ledger.periods.tables import LedgerPeriod
from datamarket.ledger.periods.terms import PeriodState

_LOCK = text("SELECT pg_advisory_xact_lock(:ledger_id, 1)")
_SHUT = (PeriodState.CLOSED, PeriodState.ARCHIVED)


async def get_period(session: AsyncSession, ledger_id: int, period: int) -> LedgerPeriod:
    """A month as the database has it now; one whose state was never set is open, at version 0.

    Raises PeriodUnknown.
    """
    check_period(period)
    known = await session.get(LedgerPeriod, (ledger_id, period), populate_existing=True)
    return known or LedgerPeriod(ledger_id=ledger_id, id=period, state=PeriodState.OPEN, version=0)


async def lock_period(session: AsyncSession, ledger_id: int, period: int) -> LedgerPeriod:
    """A month that nobody else moves, and into which nobody posts, until the transaction ends."""
    await (await session.connection()).execute(_LOCK, {"ledger_id": ledger_id})
    return await get_period(session, ledger_id, period)


async def list_periods(
    session: AsyncSession, ledger_id: int, *, page: PageAsked[int]
) -> Sequence[LedgerPeriod]:
    """The months whose state was ever set, newest first; any other is open."""
    statement = select(LedgerPeriod).where(LedgerPeriod.ledger_id == ledger_id)
    return (await session.exec(keyset(statement, col(LedgerPeriod.id), page, newest_first=True))).all()


async def periods_between(
    session: AsyncSession, ledger_id: int, first: int, last: int
) -> dict[int, LedgerPeriod]:
    """Those of the months from `first` to `last` whose state was ever set."""
    statement = select(LedgerPeriod).where(
        LedgerPeriod.ledger_id == ledger_id, col(LedgerPeriod.id).between(first, last)
    )
    return {period.id: period for period in (await session.exec(statement)).all()}


async def last_closed(session: AsyncSession, ledger_id: int) -> int | None:
    """The newest month that is closed or archived: so is every month before it."""
    statement = (
        select(LedgerPeriod.id)
        .where(LedgerPeriod.ledger_id == ledger_id, col(LedgerPeriod.state).in_(_SHUT))
        .order_by(col(LedgerPeriod.id).desc())
        .limit(1)
    )
    return (await session.exec(statement)).first()


async def first_unclosed(session: AsyncSession, ledger_id: int, *, before: int) -> int | None:
    """The first month before this one that has movements and is not closed."""
    statement = text("SELECT ledger_first_unclosed(:ledger_id, :before)")
    parameters: dict[str, Any] = {"ledger_id": ledger_id, "before": before}
    found: int | None = (await (await session.connection()).execute(statement, parameters)).scalar_one()
    return found
