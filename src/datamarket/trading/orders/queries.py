"""Reading orders."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderState

_NOT_WAITING = (
    "NOT EXISTS (SELECT FROM contract_meter m WHERE m.contract_id = trade_order.contract_id AND (m.state = 'suspended'"
    " OR m.state = 'active' AND m.stopped_by IS NOT NULL AND m.stands_until <= trade_order.decide_by))"
)


async def get_order(session: AsyncSession, order_id: UUID, *, visible_to: Actor) -> TradeOrder:
    """Raises NotFound, also for an order between others."""
    return await one_row(session, _one(order_id, visible_to), "order")


async def lock_order(session: AsyncSession, order_id: UUID, *, visible_to: Actor) -> TradeOrder:
    """An order as it is now, which nobody else moves meanwhile. Raises NotFound."""
    statement = _one(order_id, visible_to).with_for_update().execution_options(populate_existing=True)
    return await one_row(session, statement, "order")


def _one(order_id: UUID, actor: Actor) -> SelectOfScalar[TradeOrder]:
    sides = seen_by(actor, TradeOrder.provider_id, TradeOrder.buyer_id)
    return select(TradeOrder).where(TradeOrder.id == order_id, sides)


async def list_orders(
    session: AsyncSession,
    *,
    visible_to: Actor,
    contract: UUID | None,
    state: OrderState | None,
    page: PageAsked[UUID],
) -> Sequence[TradeOrder]:
    """Newest first."""
    statement = select(TradeOrder).where(
        seen_by(visible_to, TradeOrder.provider_id, TradeOrder.buyer_id),
        *asked((TradeOrder.contract_id, contract), (TradeOrder.state, state)),
    )
    return (await session.exec(keyset(statement, col(TradeOrder.id), page, newest_first=True))).all()


async def list_awaited(
    session: AsyncSession, provider_id: UUID, *, page: PageAsked[tuple[datetime, UUID]]
) -> Sequence[TradeOrder]:
    """What a provider has to deliver, most urgent first."""
    statement = select(TradeOrder).where(
        TradeOrder.provider_id == provider_id, TradeOrder.state == OrderState.PLACED
    )
    return (
        await session.exec(keyset(statement, (col(TradeOrder.deliver_by), col(TradeOrder.id)), page))
    ).all()


async def lock_overdue(
    session: AsyncSession, ledger_id: int, now: datetime, limit: int
) -> Sequence[TradeOrder]:
    """Orders that were not delivered in time, locked; those that somebody works on are left out."""
    statement = (
        select(TradeOrder)
        .where(
            TradeOrder.ledger_id == ledger_id,
            TradeOrder.state == OrderState.PLACED,
            col(TradeOrder.deliver_by) <= now,
        )
        .order_by(col(TradeOrder.deliver_by))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()


async def undecided(session: AsyncSession, ledger_id: int, now: datetime, limit: int) -> Sequence[UUID]:
    """Deliveries on which the buyer has kept silent beyond the time for acceptance, oldest first.

    While its contract is suspended, or had stopped by then, an order waits, and is left out.
    """
    statement = (
        select(TradeOrder.id)
        .where(
            TradeOrder.ledger_id == ledger_id,
            TradeOrder.state == OrderState.DELIVERED,
            col(TradeOrder.decide_by) <= now,
            text(_NOT_WAITING),
        )
        .order_by(col(TradeOrder.decide_by))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def lock_undecided(session: AsyncSession, order_id: UUID) -> TradeOrder | None:
    """One of them, locked; None when somebody decides it just now, or has."""
    statement = (
        select(TradeOrder)
        .where(TradeOrder.id == order_id, TradeOrder.state == OrderState.DELIVERED)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).first()
