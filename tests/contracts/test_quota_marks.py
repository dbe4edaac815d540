"""Four fifths and all of a quota: told once each, by the count that crosses the mark."""

import asyncio

import pytest

from datamarket.contracts.rules import mark_crossed
from datamarket.foundation.db import Database
from datamarket.trading.actions import Recorder
from datamarket.trading.orders.terms import OrderEvent
from tests.world import orders, trading
from tests.world.people import moment
from tests.world.trading import LEDGER_ID, Agreement


async def marks(database: Database, deal: Agreement) -> list[tuple[int, int, int]]:
    told = """
    SELECT (facts ->> 'percent')::int, (facts ->> 'used')::int, (facts ->> 'quota')::int FROM audit_event
     WHERE subject_id = $1 AND action = 'contracts.reach-quota' ORDER BY id
    """
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(told, deal.contract.id)]


@pytest.mark.parametrize(
    ("quota", "before", "used", "crossed"),
    [
        (10, 0, 7, None),
        (10, 7, 8, 80),
        (10, 8, 9, None),
        (10, 9, 10, 100),
        (10, 0, 10, 100),
        (3, 1, 2, None),
        (3, 2, 3, 100),
        (1, 0, 1, None),
    ],
)
def test_a_mark_is_crossed_by_the_count_that_reaches_it(
    quota: int, before: int, used: int, crossed: int | None
) -> None:
    assert mark_crossed(quota, before, used) == crossed


async def test_each_mark_is_told_once_by_trades_and_not_by_what_is_refused(database: Database) -> None:
    deal = await trading.active_contract(database, quota=10)
    for quantity in (7, 1, 1):
        await trading.trade(database, deal, quantity)
    assert await marks(database, deal) == [(80, 8, 10)]
    refused, passed = await trading.record(database, [trading.intent(deal, 5), trading.intent(deal, 1)])
    assert isinstance(refused, Exception)
    assert not isinstance(passed, Exception)
    assert await marks(database, deal) == [(80, 8, 10), (100, 10, 10)]


async def test_a_count_that_is_undone_tells_nothing(database: Database) -> None:
    """Without money the whole sale falls, its count and the event with it."""
    deal = await trading.active_contract(database, quota=10, funds=None)
    [refused] = await trading.record(database, [trading.intent(deal, 9)])
    assert isinstance(refused, Exception)
    assert await marks(database, deal) == []


async def test_an_accepted_order_tells_too(database: Database) -> None:
    deal = await trading.active_contract(database, quota=10)
    order = await orders.delivered(database, deal, 8)
    assert await marks(database, deal) == []
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    assert await marks(database, deal) == [(80, 8, 10)]


async def test_of_many_at_once_one_crosses(database: Database) -> None:
    deal = await trading.active_contract(database, quota=10)
    await asyncio.gather(*(trading.record(database, [trading.intent(deal)]) for _ in range(10)))
    assert sorted(await marks(database, deal)) == [(80, 8, 10), (100, 10, 10)]


async def test_marks_of_a_whole_batch_are_told_in_one_statement(database: Database) -> None:
    deals = [await trading.active_contract(database, quota=10) for _ in range(3)]
    asked: list[str] = []
    async with database.plain_transaction() as connection:
        connection.add_query_logger(told := lambda record: asked.append(record.query))
        await Recorder(LEDGER_ID).record_trades(
            connection, [trading.intent(deal, 8) for deal in deals], now=moment()
        )
        connection.remove_query_logger(told)
    assert [await marks(database, deal) for deal in deals] == [[(80, 8, 10)]] * 3
    telling = [query for query in asked if "audit_event" in query and "trade" not in query]
    assert len(telling) == 1
