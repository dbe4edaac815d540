"""Uses at two desks, which are two processes to the database: never one too many, and each key once."""

import asyncio

from datamarket.auth.terms import Actor
from datamarket.contracts import metering
from datamarket.contracts.api import answer_of
from datamarket.contracts.decision import RateExceeded
from datamarket.contracts.rules import ContractNotActive, QuotaExhausted
from datamarket.contracts.terms import ContractEvent, Demand, Use
from datamarket.foundation.db import Database
from datamarket.foundation.desks.desk import Desk
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim
from tests.world import trading
from tests.world.people import AUTHORITY, NOON, enrol, moment, unique

Used = Answer | MarketError


def use_desk(database: Database) -> Desk[tuple[Actor, Demand], Use]:
    return Desk(database, metering.plan_uses, metering.record_uses, answer_of, moment)


async def use(
    desk: Desk[tuple[Actor, Demand], Use], deal: trading.Agreement, quantity: int, key: str
) -> Used:
    """One use under a key, or why not."""
    by = deal.buyer_account
    demand = Demand(deal.contract.id, deal.buyer.id, deal.purpose, quantity, NOON)
    try:
        return await desk.ask((by, demand), Claim(trading.LEDGER_ID, str(by.account_id), key, bytes(32)))
    except MarketError as error:
        return error


async def metered(database: Database, deal: trading.Agreement) -> tuple[int, int]:
    """What the meter says, and what the uses add up to."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT m.used, (SELECT coalesce(sum(quantity), 0)::bigint FROM contract_use WHERE contract_id = $1)"
            " FROM contract_meter m WHERE m.contract_id = $1",
            deal.contract.id,
        )
    assert row is not None
    return row[0], row[1]


async def test_two_desks_never_overspend_a_quota_and_one_key_is_one_use(database: Database) -> None:
    deal = await trading.active_contract(database, quota=50, funds=None)
    await enrol(database, deal.buyer_account)
    desks = use_desk(database), use_desk(database)
    twin = unique("twin")
    keys = [twin if turn % 4 < 2 else unique("key") for turn in range(80)]
    outcomes = await asyncio.gather(*(use(desks[n % 2], deal, 3, key) for n, key in enumerate(keys)))
    of_twin = [outcome for outcome, key in zip(outcomes, keys, strict=True) if key == twin]
    others = [outcome for outcome, key in zip(outcomes, keys, strict=True) if key != twin]
    assert len({outcome.body for outcome in of_twin if isinstance(outcome, Answer)}) == 1
    assert sum(isinstance(outcome, Answer) for outcome in others) == 16 - 1
    assert {type(outcome) for outcome in outcomes} <= {Answer, QuotaExhausted}
    assert await metered(database, deal) == (48, 48)


async def test_uses_meet_orders_and_a_suspension_and_only_what_was_answered_is_counted(
    database: Database,
) -> None:
    deal = await trading.active_contract(database, quota=200)
    await enrol(database, deal.buyer_account)
    desks = use_desk(database), use_desk(database)

    async def trade() -> int:
        outcomes = [o for _ in range(8) for o in await trading.record(database, [trading.intent(deal, 2)])]
        return sum(not isinstance(outcome, MarketError) for outcome in outcomes)

    async def suspend() -> None:
        await asyncio.sleep(0.01)
        await trading.move(database, deal, AUTHORITY, ContractEvent.SUSPEND, "核查")

    trading_task, suspending = asyncio.create_task(trade()), asyncio.create_task(suspend())
    outcomes = await asyncio.gather(*(use(desks[n % 2], deal, 1, unique("key")) for n in range(60)))
    await suspending
    traded = await trading_task
    answered = sum(isinstance(outcome, Answer) for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes} <= {Answer, ContractNotActive}
    assert await metered(database, deal) == (answered + 2 * traded, answered + 2 * traded)
    assert isinstance(await use(desks[0], deal, 1, unique("key")), ContractNotActive)


async def test_two_desks_never_overspend_a_rate(database: Database) -> None:
    """The rows of a rate are changed under the meter's lock: one period, counted by both."""
    deal = await trading.active_contract(
        database, quota=50, funds=None, annex={"rate": {"units": 10, "per": "hour"}}
    )
    await enrol(database, deal.buyer_account)
    desks = use_desk(database), use_desk(database)
    outcomes = await asyncio.gather(*(use(desks[n % 2], deal, 1, unique("key")) for n in range(40)))
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 10
    assert {type(outcome) for outcome in outcomes} == {Answer, RateExceeded}
    assert await metered(database, deal) == (10, 10)
    async with database.connection() as connection:
        counted = await connection.fetchval(
            "SELECT used FROM contract_rate WHERE contract_id = $1", deal.contract.id
        )
    assert counted == 10
