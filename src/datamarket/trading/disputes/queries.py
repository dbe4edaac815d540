"""Reading disputes."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, keyset, one_row
from datamarket.trading.disputes.tables import TradeDispute


def _of_trade(trade_id: UUID, actor: Actor) -> SelectOfScalar[TradeDispute]:
    sides = seen_by(actor, TradeDispute.provider_id, TradeDispute.buyer_id)
    return select(TradeDispute).where(TradeDispute.trade_id == trade_id, sides)


async def get_dispute(
    session: AsyncSession, trade_id: UUID, dispute_id: UUID, *, visible_to: Actor
) -> TradeDispute:
    """Raises NotFound, also for a dispute between others."""
    statement = _of_trade(trade_id, visible_to).where(TradeDispute.id == dispute_id)
    return await one_row(session, statement, "dispute")


async def lock_dispute(
    session: AsyncSession, trade_id: UUID, dispute_id: UUID, *, visible_to: Actor
) -> TradeDispute:
    """The same as it is now; the lock of its trade, taken before, keeps others out. Raises NotFound."""
    statement = _of_trade(trade_id, visible_to).where(TradeDispute.id == dispute_id)
    statement = statement.with_for_update().execution_options(populate_existing=True)
    return await one_row(session, statement, "dispute")


async def list_disputes(
    session: AsyncSession, trade_id: UUID, *, visible_to: Actor, page: PageAsked[UUID]
) -> Sequence[TradeDispute]:
    """Oldest first."""
    statement = _of_trade(trade_id, visible_to)
    return (await session.exec(keyset(statement, col(TradeDispute.id), page))).all()
