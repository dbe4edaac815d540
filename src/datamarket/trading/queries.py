"""Reading trades."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.contracts.rules import ContractNotActive
from datamarket.contracts.terms import ContractState
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row, there
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.trading.tables import RefundRow, TradeRow


async def uses(connection: Connection, use_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, int, int]]:
    """Contract and quantity of metered uses, and the number of the terms in force: none is unpriced when a price changes."""
    if not use_ids:
        return {}
    rows = await connection.fetch(
        "SELECT u.id, contract_id, quantity, terms_number FROM contract_use u JOIN contract_meter USING (contract_id)"
        " WHERE u.id = ANY ($1)",
        use_ids,
    )
    return {row["id"]: (row["contract_id"], row["quantity"], row["terms_number"]) for row in rows}


async def use_sold_by(connection: Connection, use_id: UUID, provider_id: UUID) -> tuple[UUID, datetime]:
    """Contract and instant of a metered use, for the provider of its contract. Raises NotFound."""
    row = await connection.fetchrow(
        "SELECT u.contract_id, u.at FROM contract_use u JOIN contract c ON c.id = u.contract_id"
        " WHERE u.id = $1 AND c.provider_id = $2",
        use_id,
        provider_id,
    )
    contract_id, at = there(row, "use")
    return contract_id, at


async def why_no_contract(connection: Connection, contract_id: UUID, buyer_id: UUID | None) -> MarketError:
    """Why nothing is bought under a contract: one's own is not signed by both yet, any other is not there."""
    state: str | None = await connection.fetchval(
        "SELECT state FROM contract WHERE id = $1 AND buyer_id = $2", contract_id, buyer_id
    )
    return NotFound(thing="contract") if state is None else ContractNotActive(state=ContractState(state))


async def get_trade(session: AsyncSession, trade_id: UUID, *, visible_to: Actor) -> TradeRow:
    """Raises NotFound, also for a trade between others."""
    return await one_row(session, _one(trade_id, visible_to), "trade")


async def lock_trade(session: AsyncSession, trade_id: UUID, *, visible_to: Actor) -> TradeRow:
    """A trade that nobody else refunds meanwhile. Raises NotFound."""
    return await one_row(session, _one(trade_id, visible_to).with_for_update(), "trade")


def _one(trade_id: UUID, actor: Actor) -> SelectOfScalar[TradeRow]:
    sides = seen_by(actor, TradeRow.provider_id, TradeRow.buyer_id)
    return select(TradeRow).where(TradeRow.id == trade_id, sides)


async def list_trades(
    session: AsyncSession,
    *,
    visible_to: Actor,
    contract: UUID | None,
    since: datetime | None,
    until: datetime | None,
    page: PageAsked[UUID],
) -> Sequence[TradeRow]:
    """Newest first."""
    statement = select(TradeRow).where(
        seen_by(visible_to, TradeRow.provider_id, TradeRow.buyer_id), *asked((TradeRow.contract_id, contract))
    )
    if since is not None:
        statement = statement.where(col(TradeRow.occurred_at) >= since)
    if until is not None:
        statement = statement.where(col(TradeRow.occurred_at) < until)
    return (await session.exec(keyset(statement, col(TradeRow.id), page, newest_first=True))).all()


async def list_refunds(
    session: AsyncSession, trade_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[RefundRow]:
    """Oldest first."""
    statement = select(RefundRow).where(RefundRow.trade_id == trade_id)
    return (await session.exec(keyset(statement, col(RefundRow.id), page))).all()
