"""The end of a link beside uses, a signature and another end, each on a connection of its own."""

import asyncio
from datetime import timedelta

from datamarket.contracts import metering
from datamarket.contracts.rules import ContractStopped
from datamarket.contracts.terms import ContractEvent, Demand, Use
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from tests.contracts.test_chain import act, standing_deal
from tests.world import trading, zones
from tests.world.people import moment


async def standing_of(database: Database, deal: trading.Agreement) -> tuple[str | None, int]:
    """What stops the meter, and what it has counted."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT stopped_by, used FROM contract_meter WHERE contract_id = $1", deal.contract.id
        )
    assert row is not None
    return row[0], row[1]


async def test_no_use_is_permitted_once_a_withdrawal_is_answered(database: Database) -> None:
    deal, operated = await standing_deal(database)
    answered = asyncio.Event()

    async def uses() -> tuple[int, int]:
        """How many were permitted that were asked before the answer, and how many after it."""
        before = after = late = 0
        while late < 5:
            is_late = answered.is_set()
            try:
                await trading.used(database, deal)
            except ContractStopped:
                late += is_late
                continue
            before, after = before + (not is_late), after + is_late
        return before, after

    async def withdraw() -> None:
        await asyncio.sleep(0.05)
        await act(database, deal, operated, "mandate", end=True)
        answered.set()

    *counted, _ = await asyncio.gather(uses(), uses(), withdraw())
    assert [after for _, after in counted] == [0, 0]
    assert await standing_of(database, deal) == ("mandate", sum(before for before, _ in counted))


async def test_a_use_that_was_first_is_before_the_withdrawal_that_waited_for_it(database: Database) -> None:
    deal, operated = await standing_deal(database)
    async with database.connection() as connection:
        held = connection.transaction()
        await held.start()
        meter = "SELECT 1 FROM contract_meter WHERE contract_id = $1 FOR NO KEY UPDATE"
        await connection.execute(meter, deal.contract.id)
        withdrawing = asyncio.create_task(act(database, deal, operated, "mandate", end=True))
        await asyncio.sleep(0.3)
        demand = Demand(deal.contract.id, deal.buyer.id, deal.purpose, 1, moment())
        [used] = await metering.record_uses(connection, [(deal.buyer_account, demand)], now=moment())
        await held.commit()
    await withdrawing
    assert isinstance(used, Use)
    async with database.connection() as connection:
        stops_at = await connection.fetchval(
            "SELECT stands_until FROM contract_meter WHERE contract_id = $1", deal.contract.id
        )
    assert stops_at == used.at + timedelta(microseconds=1)


async def test_two_links_that_end_at_once_both_stop_and_both_must_return(database: Database) -> None:
    deal, operated = await standing_deal(database)
    for end in (True, False):
        await asyncio.gather(
            act(database, deal, operated, "zone", end=end), act(database, deal, operated, "provider", end=end)
        )
        stopped, _ = await standing_of(database, deal)
        assert (stopped in {"zone", "provider"}) == end
    await trading.used(database, deal)


async def test_a_signature_beside_a_closing_zone_is_refused_or_stopped_with_it(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
    deal = await trading.requested_contract(database, operated=operated)
    await trading.move(database, deal, deal.provider_account, ContractEvent.AGREE)
    await trading.move(database, deal, deal.provider_account, ContractEvent.SIGN)

    async def signed() -> bool:
        try:
            await trading.move(database, deal, deal.buyer_account, ContractEvent.SIGN)
        except MarketError:
            return False
        return True

    done, _ = await asyncio.gather(signed(), act(database, deal, operated, "zone", end=True))
    if done:
        assert (await standing_of(database, deal))[0] == "zone"
    else:
        await act(database, deal, operated, "zone", end=False)
        assert await signed()
