"""What is charged by the month and the year: uses under plans that count, and fees when their time has come.

The caller holds the meters of a batch's contracts: nobody prices uses of the same months meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from datamarket.auth.terms import CLOCK, Actor
from datamarket.catalogue.listings.pricing import MonthSoFar, minimum_due, price_uses
from datamarket.catalogue.listings.terms import ChargeKind, PricePlan
from datamarket.foundation.clock import month_of
from datamarket.foundation.db import Connection
from datamarket.foundation.ids import new_ids
from datamarket.foundation.money import Fen
from datamarket.trading import queries
from datamarket.trading.terms import PricedUse, TradeIntent

LARGEST_BATCH = 200
FEES_OWED_FOR = timedelta(days=62)
"""After a contract has expired: its last month is over by then, and a server that stood still is running again."""
_KEEP = """
INSERT INTO charged_month (contract_id, month, units, charged_fen)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[])
    ON CONFLICT (contract_id, month) DO UPDATE SET units = EXCLUDED.units, charged_fen = EXCLUDED.charged_fen
"""
_CLAIM = """
INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced, fee)
SELECT f.id, f.contract_id, f.purpose, 0, f.at, $6, false, f.fee
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[]) AS f (id, contract_id, purpose, at, fee)
    ON CONFLICT (contract_id, fee, at) WHERE fee IS NOT NULL DO NOTHING
RETURNING id
"""


async def charge(
    connection: Connection, plans: Mapping[UUID, PricePlan], uses: Mapping[int, PricedUse]
) -> dict[int, Fen]:
    """The amount of each use, one after the other in their order; what their months count is written down."""
    asked = {(use.contract_id, month_of(use.at)) for use in uses.values()}
    months = await queries.months_so_far(connection, asked)
    amounts: dict[int, Fen] = {}
    for position, use in uses.items():
        plan, key = plans[use.contract_id], (use.contract_id, month_of(use.at))
        so_far = months.get(key, MonthSoFar())
        if use.fee is ChargeKind.BASIC:
            amounts[position] = plan.basic_fen
            continue
        lacking = minimum_due(plan, so_far)
        amount = lacking if use.fee else price_uses(plan, so_far, use.quantity).amount_fen
        amounts[position] = amount
        months[key] = MonthSoFar(so_far.units + use.quantity, so_far.charged_fen + amount)
    if months:
        contracts, numbers = zip(*months, strict=True)
        units, charged = zip(*months.values(), strict=True)
        await connection.execute(_KEEP, contracts, numbers, units, charged)
    return amounts


async def claim_fees(connection: Connection, now: datetime) -> list[TradeIntent]:
    """Fees whose time has come, one batch, each written down as a use of no units, for the seller to price.

    Of two processes that do this at once, one writes each fee down.
    """
    due = await queries.fees_due(connection, now, FEES_OWED_FOR, LARGEST_BATCH)
    ids = new_ids([now] * len(due))
    columns = [[fee[name] for fee in due] for name in ("contract_id", "purpose", "at", "fee")]
    claimed = {row["id"] for row in await connection.fetch(_CLAIM, ids, *columns, CLOCK.account_id)}
    return [
        TradeIntent(
            Actor(CLOCK.account_id, fee["provider_id"], frozenset()),
            fee["contract_id"],
            None,
            None,
            use_id,
            now,
            by_seller=True,
        )
        for use_id, fee in zip(ids, due, strict=True)
        if use_id in claimed
    ]
