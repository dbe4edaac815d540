"""Reading trades."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.pricing import MonthSoFar
from datamarket.catalogue.listings.terms import ChargeKind
from datamarket.contracts.rules import ContractNotActive
from datamarket.contracts.terms import ContractState
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row, there
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.trading.tables import RefundRow, TradeRow
from datamarket.trading.terms import PricedUse


async def uses(connection: Connection, use_ids: Sequence[UUID]) -> dict[UUID, PricedUse]:
    """Metered uses, by their ids, with the number of the terms in force: none is unpriced when a price changes."""
    if not use_ids:
        return {}
    rows = await connection.fetch(
        "SELECT u.id, contract_id, quantity, at, terms_number, fee"
        "  FROM contract_use u JOIN contract_meter USING (contract_id) WHERE u.id = ANY ($1)",
        use_ids,
    )
    return {
        row["id"]: PricedUse(
            row["contract_id"],
            row["quantity"],
            row["at"],
            row["terms_number"],
            row["fee"] and ChargeKind(row["fee"]),
        )
        for row in rows
    }


async def months_so_far(
    connection: Connection, months: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], MonthSoFar]:
    """What months of contracts count until now; the caller holds their meters."""
    rows = await connection.fetch(
        "SELECT m.* FROM unnest($1::uuid[], $2::int[]) AS asked (contract_id, month)"
        " JOIN charged_month AS m USING (contract_id, month)",
        [contract_id for contract_id, _ in months],
        [month for _, month in months],
    )
    return {(row["contract_id"], row["month"]): MonthSoFar(row["units"], row["charged_fen"]) for row in rows}


_FEES_DUE = """
SELECT c.id AS contract_id, c.buyer_id, c.provider_id, c.purposes[1] AS purpose, f.fee, f.at
  FROM contract AS c JOIN contract_meter AS m ON m.contract_id = c.id
 CROSS JOIN LATERAL (
       SELECT 'basic' AS fee, (m.term_from AT TIME ZONE 'Asia/Shanghai' + make_interval(years => n)) AT TIME ZONE 'Asia/Shanghai' AS at
         FROM generate_series(0, date_part('year', $1::timestamptz)::int - date_part('year', m.term_from)::int + 1) AS n
        WHERE (c.price_terms ->> 'basic_fen')::bigint > 0
       UNION ALL
       SELECT 'minimum', begun AT TIME ZONE 'Asia/Shanghai'
         FROM generate_series(date_trunc('month', m.term_from AT TIME ZONE 'Asia/Shanghai'),
                              least(m.stands_until, $1) AT TIME ZONE 'Asia/Shanghai' - interval '1 month', interval '1 month') AS begun
         LEFT JOIN charged_month AS s ON s.contract_id = c.id AND s.month = to_char(begun, 'YYYYMM')::int
        WHERE (c.price_terms ->> 'minimum_fen')::bigint > coalesce(s.charged_fen, 0)) AS f
 WHERE c.price_terms IS NOT NULL AND (c.state = 'active' OR c.state = 'expired' AND c.term_to > $1::timestamptz - $2::interval)
   AND f.at >= m.term_from AND f.at <= $1 AND f.at < m.stands_until
   AND NOT EXISTS (SELECT FROM contract_use AS u WHERE u.contract_id = c.id AND u.fee = f.fee AND u.at = f.at)
 ORDER BY f.at, c.id LIMIT $3
"""


async def fees_due(connection: Connection, now: datetime, after: timedelta, limit: int) -> Sequence[Any]:
    """Basic fees of years that have begun, and minimums of whole months that are over; oldest first.

    Those of contracts that are active, or have expired no longer ago than `after`; none of a time in which a link of
    a contract's authority had stopped it. While a contract is suspended its fees wait.
    """
    return await connection.fetch(_FEES_DUE, now, after, limit)


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


async def is_disputed(connection: Connection, trade_id: UUID) -> bool:
    """Whether a dispute of a trade is open; the caller holds the trade's lock, so that it stays so."""
    asked_for = (
        "SELECT EXISTS (SELECT FROM trade_dispute WHERE trade_id = $1 AND state IN ('opened', 'answered'))"
    )
    return bool(await connection.fetchval(asked_for, trade_id))


async def list_refunds(
    session: AsyncSession, trade_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[RefundRow]:
    """Oldest first."""
    statement = select(RefundRow).where(RefundRow.trade_id == trade_id)
    return (await session.exec(keyset(statement, col(RefundRow.id), page))).all()
