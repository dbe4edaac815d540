"""Reading orders."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderState

_FIRST_USE = """
SELECT u.at FROM contract_use AS u
 WHERE (u.contract_id, u.id) >= (o.contract_id,
        (lpad(to_hex((extract(epoch FROM o.delivered_at) * 1000)::bigint - 1), 12, '0') || repeat('0', 20))::uuid)
   AND (u.contract_id, u.id) < (o.contract_id, repeat('f', 32)::uuid)
   AND u.fee IS NULL AND u.at >= o.delivered_at AND u.at < o.decide_by
   AND (SELECT true FROM trade AS t JOIN trade_order AS p ON p.trade_id = t.id WHERE t.use_id = u.id) IS NULL
 ORDER BY u.contract_id, u.id LIMIT 1
"""
"""The time leads an id: of `contract_use_contract_idx` what is older than the delivery is not read, and nobody else's uses are.

Pairs are compared, and ordered by, because no other index serves that. What an acceptance wrote down is no use of the buyer's.
"""
_UNDECIDED = f"""
SELECT o.id FROM trade_order AS o JOIN contract_meter AS m ON m.contract_id = o.contract_id
 WHERE o.ledger_id = $1 AND o.state = 'delivered' AND m.state <> 'suspended'
   AND (o.decide_by <= $2 AND NOT (m.state = 'active' AND m.stopped_by IS NOT NULL AND m.stands_until <= o.decide_by)
        OR NOT o.hidden_defect AND ({_FIRST_USE}) IS NOT NULL)
 ORDER BY o.decide_by LIMIT $3
"""  # noqa: S608 - of constants that stand here


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
    """Orders that were not delivered in time, locked; left out is what somebody works on, or has paid an instalment of."""
    statement = (
        select(TradeOrder)
        .where(
            TradeOrder.ledger_id == ledger_id,
            TradeOrder.state == OrderState.PLACED,
            col(TradeOrder.deliver_by) <= now,
            col(TradeOrder.instalments).is_(None),
        )
        .order_by(col(TradeOrder.deliver_by))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()


async def undecided(connection: Connection, ledger_id: int, now: datetime, limit: int) -> list[UUID]:
    """Deliveries that their buyer has used, or on which it has kept silent beyond the time for acceptance; the oldest first.

    While its contract is suspended an order waits, and is left out; for silence also where the contract had stopped by then.
    """
    return [row["id"] for row in await connection.fetch(_UNDECIDED, ledger_id, now, limit)]


async def first_use(connection: Connection, order: TradeOrder) -> datetime | None:
    """When the buyer first used the contract after this delivery, to the millisecond; None where a defect shows in use alone.

    Who holds the contract's meter is told of every use there is.
    """
    if order.state != OrderState.DELIVERED or order.hidden_defect:
        return None
    at: datetime | None = await connection.fetchval(
        f"SELECT ({_FIRST_USE}) FROM trade_order AS o WHERE o.id = $1",  # noqa: S608 - a constant
        order.id,
    )
    return at


async def lapsed(connection: Connection, ledger_id: int, now: datetime, limit: int) -> list[UUID]:
    """Orders with money in escrow of which the time for a cure, or for the delivery, is over."""
    rows = await connection.fetch(
        "SELECT id FROM trade_order WHERE ledger_id = $1 AND state = 'curing' AND cure_by <= $2"
        " UNION ALL SELECT id FROM trade_order"
        " WHERE ledger_id = $1 AND state = 'placed' AND deliver_by <= $2 AND instalments IS NOT NULL LIMIT $3",
        ledger_id,
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def lock_waiting(session: AsyncSession, order_id: UUID) -> TradeOrder | None:
    """One of these, locked; None when somebody moves it just now."""
    statement = select(TradeOrder).where(TradeOrder.id == order_id).with_for_update(skip_locked=True)
    return (await session.exec(statement)).first()
