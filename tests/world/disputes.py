"""Disputes of trades, opened and moved as parties and the authority do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.trading import queries as trades
from datamarket.trading.disputes import actions, queries
from datamarket.trading.disputes.tables import TradeDispute
from datamarket.trading.disputes.terms import DisputeEvent
from tests.world.people import moment


async def opened(
    database: Database,
    by: Actor,
    trade_id: UUID,
    amount_fen: Fen | None = None,
    *,
    at: datetime | None = None,
) -> TradeDispute:
    """By a party, of an amount or of all that is left."""
    async with database.transaction() as session:
        trade = await trades.lock_trade(session, trade_id, visible_to=by)
        return await actions.open_dispute(
            session, by, trade, amount_fen=amount_fen, reason="质量不符", documents=(), now=at or moment()
        )


async def moved(
    database: Database,
    by: Actor,
    dispute: TradeDispute,
    event: DisputeEvent,
    *,
    at: datetime | None = None,
    **more: Any,
) -> TradeDispute:
    """One step, under the locks of trade and dispute."""
    async with database.transaction() as session:
        trade = await trades.lock_trade(session, dispute.trade_id, visible_to=by)
        row = await queries.lock_dispute(session, dispute.id, visible_to=by)
        return await actions.move_dispute(
            session, by, trade, row, event, reason="约定", now=at or moment(), **more
        )
