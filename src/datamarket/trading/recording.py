"""Writing trades down: all of a batch in one statement, their audit events in another."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection
from datamarket.ledger.terms import EntryId
from datamarket.trading.terms import Trade

_INSERT = """
WITH priced AS (UPDATE contract_use SET priced = true WHERE id = ANY ($11::uuid[]))
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


async def write_trades(
    connection: Connection, ledger_id: int, trades: Sequence[Trade], *, metered: Sequence[UUID], now: datetime
) -> None:
    """All trades of a batch in one statement; what their contracts froze is taken from the contracts.

    `metered` are the uses among theirs that were written down before: they are marked as priced.
    """
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
        metered,
    )


async def tell_of_trades(
    connection: Connection,
    trades: Sequence[Trade],
    actors: Sequence[Actor],
    entries: Sequence[EntryId | None],
    *,
    now: datetime,
) -> None:
    """An audit event of each trade, by whom it was made; a free one has no entry."""
    events = [
        evidence.Event(actor, trade.id, {"amount_fen": trade.amount_fen, "entry_id": entry})
        for trade, actor, entry in zip(trades, actors, entries, strict=True)
    ]
    await evidence.record_many(connection, "trading.record", "trade", events, now=now)
