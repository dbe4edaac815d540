"""A small market in use: one of everything, and those who may call."""

from collections.abc import Mapping
from dataclasses import dataclass

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.clock import month_of
from datamarket.foundation.db import Database
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import orders, payouts, subsidy, trading
from tests.world.people import NOON, actor

_TABLE_OF = {
    "account_id": "ledger_account",
    "batch_id": "payout_batch",
    "case_id": "subsidy_case",
    "contract_id": "contract",
    "enterprise_id": "participant",
    "entry_id": "ledger_entry",
    "line_id": "subsidy_line",
    "hold_id": "ledger_hold",
    "listing_id": "listing",
    "order_id": "trade_order",
    "other_id": "subsidy_run",
    "participant_id": "participant",
    "payout_id": "payout",
    "product_id": "product",
    "resource_id": "resource",
    "run_id": "subsidy_run",
    "scenario_id": "scenario",
    "supplying_unit_id": "participant",
    "trade_id": "trade",
    "use_id": "contract_use",
    "venue_id": "venue",
    "zone_id": "zone",
}


@dataclass(frozen=True)
class Market:
    """What there is, by the name that paths and bodies give it; every caller has every role."""

    things: Mapping[str, str]
    buyer: Actor
    provider: Actor
    city: Actor


async def market_in_use(database: Database) -> Market:
    """A sale of a zone's data with a refund, an order, a payout, a case, and a calculated run of the subsidy."""
    agreement = await trading.active_contract(database, of_zone=True)
    await trading.refund(database, agreement, (await trading.trade(database, agreement)).id)
    await trading.trade(database, agreement)
    await orders.delivered(database, agreement)
    await orders.placed(database, agreement)
    await payouts.proposed(database, payouts.Officers())
    await subsidy.case(database, agreement.provider, verified=False)
    officers = subsidy.Officers()
    run = await subsidy.opened_run(database, officers)
    await subsidy.moved(database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    things = {"scheme_id": subsidy.CITY, "scheme": subsidy.CITY, "n": "1", "period": str(month_of(NOON))}
    async with database.connection() as connection:
        for name, table in _TABLE_OF.items():
            things[name] = str(await connection.fetchval(f"SELECT id FROM {table} LIMIT 1"))  # noqa: S608 - a name above
    return Market(
        things,
        actor(*Role, organisation=agreement.buyer.id),
        actor(*Role, organisation=agreement.provider.id),
        actor(*Role),
    )
