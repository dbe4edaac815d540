"""Reading trades, and the one statement that writes many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import col, or_, select, true
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection
from datamarket.foundation.errors import NotFound
from datamarket.trading.tables import RefundRow, TradeRow
from datamarket.trading.terms import Trade

_INSERT = """
INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category,
                   quantity, unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at,
                   refunded_fen, state, version)
SELECT t.id, $1, c.id, t.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
       t.quantity, c.price_fen, t.amount_fen, t.split::jsonb, t.revenue_rule, t.occurred_at, $2,
       0, 'settled', 1
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::timestamptz[])
       AS t (id, contract_id, use_id, quantity, amount_fen, split, revenue_rule, occurred_at)
  JOIN contract c ON c.id = t.contract_id
"""


async def insert_trades(
    connection: Connection, ledger_id: int, trades: Sequence[Trade], *, now: datetime
) -> None:
    """All trades of a batch in one statement; what their contracts froze is taken from the contracts."""
    if not trades:
        return
    await connection.execute(
        _INSERT,
        ledger_id,
        now,
        [trade.id for trade in trades],
        [trade.contract_id for trade in trades],
        [trade.use_id for trade in trades],
        [trade.quantity for trade in trades],
        [trade.amount_fen for trade in trades],
        [orjson.dumps(trade.split._asdict()).decode() for trade in trades],
        [trade.revenue_rule for trade in trades],
        [trade.occurred_at for trade in trades],
    )


async def uses(connection: Connection, use_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, int]]:
    """Contract and quantity of metered uses."""
    if not use_ids:
        return {}
    rows = await connection.fetch(
        "SELECT id, contract_id, quantity FROM contract_use WHERE id = ANY ($1)", use_ids
    )
    return {row["id"]: (row["contract_id"], row["quantity"]) for row in rows}


async def state_of_own_contract(
    connection: Connection, contract_id: UUID, buyer_id: UUID | None
) -> str | None:
    """The state of a contract, when this buyer is its buyer."""
    state: str | None = await connection.fetchval(
        "SELECT state FROM contract WHERE id = $1 AND buyer_id = $2", contract_id, buyer_id
    )
    return state


def _visible(actor: Actor) -> Any:
    if actor.sees_all:
        return true()
    return or_(
        col(TradeRow.provider_id) == actor.participant_id, col(TradeRow.buyer_id) == actor.participant_id
    )


async def get_trade(
    session: AsyncSession, trade_id: UUID, *, visible_to: Actor, lock: bool = False
) -> TradeRow:
    """Raises NotFound, also for a trade between others."""
    statement = select(TradeRow).where(TradeRow.id == trade_id, _visible(visible_to))
    if lock:
        statement = statement.with_for_update()
    found = (await session.exec(statement)).first()
    if found is None:
        raise NotFound(thing="trade")
    return found


async def list_trades(
    session: AsyncSession,
    *,
    visible_to: Actor,
    contract: UUID | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: UUID | None,
) -> Sequence[TradeRow]:
    """Newest first."""
    statement = (
        select(TradeRow).where(_visible(visible_to)).order_by(col(TradeRow.id).desc()).limit(limit + 1)
    )
    if contract is not None:
        statement = statement.where(TradeRow.contract_id == contract)
    if since is not None:
        statement = statement.where(col(TradeRow.occurred_at) >= since)
    if until is not None:
        statement = statement.where(col(TradeRow.occurred_at) < until)
    if after is not None:
        statement = statement.where(col(TradeRow.id) < after)
    return (await session.exec(statement)).all()


async def list_refunds(
    session: AsyncSession, trade_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[RefundRow]:
    """Oldest first."""
    statement = select(RefundRow).where(RefundRow.trade_id == trade_id)
    if after is not None:
        statement = statement.where(col(RefundRow.id) > after)
    return (await session.exec(statement.order_by(col(RefundRow.id)).limit(limit + 1))).all()
