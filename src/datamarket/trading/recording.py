"""What is written down of a batch of trades: all of them in one statement, their audit events in another."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.desks.writes import Write, folded
from datamarket.ledger.terms import Posting
from datamarket.trading.terms import Sale, Trade

_INSERT = """
WITH sold AS MATERIALIZED (
    SELECT c.*, s.number, s.quantity, s.amount_fen, s.split::jsonb AS split, s.revenue_rule
      FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
           WITH ORDINALITY AS s (contract_id, quantity, amount_fen, split, revenue_rule, number)
      JOIN contract AS c ON c.id = s.contract_id)
INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category,
                   quantity, unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at,
                   refunded_fen, state, version)
SELECT t.id, $1, s.id, t.use_id, s.buyer_id, s.provider_id, s.venue_id, s.zone_id, s.product_id, s.category,
       s.quantity, s.price_fen, s.amount_fen, s.split, s.revenue_rule, t.occurred_at, $2,
       0, 'settled', 1
  FROM unnest($8::uuid[], $9::uuid[], unfolded($10::timestamptz[], cardinality($8)), unfolded($11::int[], cardinality($8)))
       AS t (id, use_id, occurred_at, sold)
  JOIN sold AS s ON s.number = t.sold
"""
_PRICED = "UPDATE contract_use SET priced = true WHERE id = ANY ($1::uuid[])"


def writes_of_trades(
    ledger_id: int,
    trades: Sequence[Trade],
    actors: Sequence[Actor],
    entries: Sequence[Posting | None],
    *,
    metered: Sequence[UUID],
    now: datetime,
) -> list[Write]:
    """The trades of a batch, and an audit event of each, by whom it was made; a free one has no entry.

    Each sale is told once, and what contracts froze is taken from the contracts. `metered` are the uses among theirs
    that were written down before: they are marked as priced.
    """
    events = [
        evidence.Event(actor, trade.id, {"amount_fen": trade.amount_fen, "entry_id": entry and entry.id})
        for trade, actor, entry in zip(trades, actors, entries, strict=True)
    ]
    priced = [Write(_PRICED, (metered,))] if metered else []
    return [
        *priced,
        _write_of(ledger_id, trades, now),
        evidence.write_of("trading.record", "trade", events, now=now),
    ]


def _write_of(ledger_id: int, trades: Sequence[Trade], now: datetime) -> Write:
    numbers: dict[Sale, int] = {}
    sold = [numbers.setdefault(trade.sold, len(numbers) + 1) for trade in trades]
    arguments = (
        ledger_id,
        now,
        [sale.terms.contract_id for sale in numbers],
        [sale.quantity for sale in numbers],
        [sale.amount_fen for sale in numbers],
        [orjson.dumps(sale.split._asdict()).decode() for sale in numbers],
        [sale.revenue_rule for sale in numbers],
        [trade.id for trade in trades],
        [trade.use_id for trade in trades],
        folded([trade.occurred_at for trade in trades]),
        folded(sold),
    )
    return Write(_INSERT, arguments)
