"""Reading disputes."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.trading.disputes.tables import TradeDispute


def _visible(actor: Actor) -> SelectOfScalar[TradeDispute]:
    return select(TradeDispute).where(seen_by(actor, TradeDispute.provider_id, TradeDispute.buyer_id))


async def get_dispute(session: AsyncSession, dispute_id: UUID, *, visible_to: Actor) -> TradeDispute:
    """Raises NotFound, also for a dispute between others."""
    return await one_row(session, _visible(visible_to).where(TradeDispute.id == dispute_id), "dispute")


async def lock_dispute(session: AsyncSession, dispute_id: UUID, *, visible_to: Actor) -> TradeDispute:
    """The same as it is now; whoever moves it has locked its trade before. Raises NotFound."""
    statement = _visible(visible_to).where(TradeDispute.id == dispute_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "dispute")


async def list_disputes(
    session: AsyncSession, *, visible_to: Actor, trade: UUID | None, page: PageAsked[UUID]
) -> Sequence[TradeDispute]:
    """Oldest first."""
    statement = _visible(visible_to).where(*asked((TradeDispute.trade_id, trade)))
    return (await session.exec(keyset(statement, col(TradeDispute.id), page))).all()
