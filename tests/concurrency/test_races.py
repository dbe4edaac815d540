"""Races on real connections: money is spent once, a quota is never overspent, a suspension holds."""

import asyncio

import asyncpg
import pytest

from datamarket.auth.terms import Actor
from datamarket.contracts import metering
from datamarket.contracts.rules import ContractNotActive, QuotaExhausted, UseNotAuthorised
from datamarket.contracts.terms import ContractEvent, Demand, Use
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim, KeyReused
from datamarket.foundation.money import Fen
from datamarket.ledger.rules import FundsInsufficient
from datamarket.trading.terms import Trade
from tests.world import trading
from tests.world.people import AUTHORITY, NOON, enrol, moment, unique

LEDGER = trading.LEDGER_ID


async def test_two_connections_spend_the_same_money_once(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(3_000))
    outcomes = await asyncio.gather(*(trading.record(database, [trading.intent(deal)]) for _ in range(6)))
    flat = [outcome for batch in outcomes for outcome in batch]
    assert sum(isinstance(outcome, Trade) for outcome in flat) == 1
    assert sum(isinstance(outcome, FundsInsufficient) for outcome in flat) == 5


async def test_a_quota_is_never_overspent(database: Database) -> None:
    deal = await trading.active_contract(database, quota=10, funds=None)

    async def use(actor: Actor) -> bool:
        demand = Demand(deal.contract.id, deal.buyer.id, deal.purpose, 3, NOON)
        async with database.plain_transaction() as connection:
            [outcome] = await metering.record_uses(connection, [(actor, demand)], now=moment())
        assert isinstance(outcome, Use | QuotaExhausted)
        return isinstance(outcome, Use)

    used = await asyncio.gather(*(use(deal.buyer_account) for _ in range(20)))
    assert sum(used) == 3


async def test_a_suspension_waits_for_a_use_in_flight_and_stops_the_next(
    database: Database, database_url: str
) -> None:
    """The meter's row is the lock: a use that holds it finishes first, one that waits sees the suspension."""
    deal = await trading.active_contract(database, funds=Fen(100_000))
    slow = await asyncpg.connect(database_url)
    try:
        held = slow.transaction()
        await held.start()
        await slow.execute("SELECT 1 FROM contract_meter WHERE contract_id = $1 FOR UPDATE", deal.contract.id)
        suspending = asyncio.create_task(
            trading.move(database, deal, AUTHORITY, ContractEvent.SUSPEND, reason="investigation")
        )
        await _until_somebody_waits(slow)
        trade = asyncio.create_task(trading.record(database, [trading.intent(deal)]))
        await asyncio.sleep(0.2)
        await held.commit()
    finally:
        await slow.close()
    await suspending
    [outcome] = await trade
    assert isinstance(outcome, MarketError)
    assert outcome.code == "contract.not-active"


async def _until_somebody_waits(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for _ in range(100):
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        if await connection.fetchval(waiting):
            return
        await asyncio.sleep(0.02)
    pytest.fail("nobody waited for the lock")


async def test_one_key_at_two_desks_is_one_trade(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(1_000_000))
    desks = [trading.desk(database), trading.desk(database)]
    await enrol(database, deal.buyer_account)
    claim = Claim(LEDGER, str(deal.buyer_account.account_id), unique("key"), b"\x01" * 32)
    answers = await asyncio.gather(
        *(desks[turn % 2].ask(trading.intent(deal, at=NOON), claim) for turn in range(50))
    )
    assert len({answer.body for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    other = Claim(LEDGER, claim.caller, claim.key, b"\x02" * 32)
    with pytest.raises(KeyReused):
        await desks[0].ask(trading.intent(deal, at=NOON), other)


async def test_one_bad_order_never_fails_its_neighbours_in_the_queue(database: Database) -> None:
    rich = await trading.active_contract(database, funds=Fen(1_000_000))
    poor = await trading.active_contract(database, funds=Fen(1))
    desk = trading.desk(database)
    for deal in (rich, poor):
        await enrol(database, deal.buyer_account)

    async def ask(number: int) -> Answer | MarketError:
        deal = poor if number % 5 == 0 else rich
        try:
            caller = str(deal.buyer_account.account_id)
            return await desk.ask(trading.intent(deal), Claim(LEDGER, caller, unique("key"), bytes(32)))
        except MarketError as error:
            return error

    answers = await asyncio.gather(*(ask(number) for number in range(40)))
    assert sum(isinstance(answer, Answer) for answer in answers) == 32
    assert {type(answer) for answer in answers if isinstance(answer, MarketError)} == {FundsInsufficient}


async def test_batches_that_are_taken_apart_at_two_desks_never_deadlock(database: Database) -> None:
    """Whole or by halves, each locks the keys, then the meters, then the balances."""
    deals = [
        await trading.active_contract(database, funds=Fen(funds)) for funds in (1, 1_000_000, 1, 1_000_000)
    ]
    for deal in deals:
        await enrol(database, deal.buyer_account)
    desks = [trading.desk(database), trading.desk(database)]

    async def ask(number: int) -> bool:
        deal = deals[number * 7 % 4]
        key = Claim(LEDGER, str(deal.buyer_account.account_id), unique("key"), bytes(32))
        try:
            return isinstance(await desks[number % 3 % 2].ask(trading.intent(deal), key), Answer)
        except FundsInsufficient:
            return False

    for _ in range(5):
        assert sum(await asyncio.gather(*(ask(number) for number in range(48)))) == 24


async def test_trades_and_refunds_in_both_directions_never_deadlock(database: Database) -> None:
    """Two enterprises buy from each other at once: balances are locked in one order."""
    one = await trading.active_contract(database, funds=Fen(10_000_000))
    other = await trading.active_contract(
        database, provider=one.buyer, buyer=one.provider, funds=Fen(10_000_000)
    )
    results = await asyncio.gather(
        *(trading.record(database, [trading.intent(deal), trading.intent(back)]) for deal, back in
          [(one, other), (other, one)] * 8)
    )  # fmt: skip
    assert all(isinstance(outcome, Trade) for batch in results for outcome in batch)
    trades = [outcome for batch in results for outcome in batch if isinstance(outcome, Trade)]
    deals = {one.contract.id: one, other.contract.id: other}
    await asyncio.gather(
        *(trading.refund(database, deals[trade.contract_id], trade.id) for trade in trades[:8])
    )


async def test_suspending_and_resuming_while_trading_never_deadlocks(database: Database) -> None:
    """A trade holds its contract's key while it inserts; whoever moves the contract must not wait for that."""
    deal = await trading.active_contract(database)

    async def suspend_and_resume() -> None:
        for _ in range(6):
            await trading.move(database, deal, AUTHORITY, ContractEvent.SUSPEND, "核查")
            await trading.move(database, deal, AUTHORITY, ContractEvent.RESUME, "核查完毕")

    async def buy() -> list[Trade | MarketError]:
        return [
            outcome for _ in range(12) for outcome in await trading.record(database, [trading.intent(deal)])
        ]

    *bought, _ = await asyncio.gather(buy(), buy(), buy(), suspend_and_resume())
    refused = {type(outcome) for outcomes in bought for outcome in outcomes or []} - {Trade}
    assert refused <= {ContractNotActive, UseNotAuthorised}
