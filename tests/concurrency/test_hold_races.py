"""Races for held money on real connections: one resolution wins, and no fen is spent twice."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from datamarket.foundation.db import Connection, Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.holds.terms import Rest
from datamarket.ledger.rules import FundsInsufficient
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders import queries as order_queries
from datamarket.trading.orders.terms import OrderEvent
from datamarket.trading.terms import Trade
from tests.world import orders, trading
from tests.world.people import NOON, moment
from tests.world.trading import LEDGER_ID

PRICE = 3_000
FREE, ESCROW = AccountKind.BUYER_FUNDS, AccountKind.ESCROW
MANY = 12


async def attempt(database: Database, action: Callable[[Connection], Awaitable[Any]]) -> str | None:
    """On a connection of its own; the name of the constraint that refused it."""
    try:
        async with database.plain_transaction() as connection:
            await action(connection)
    except asyncpg.IntegrityConstraintViolationError as refused:
        return str(refused.constraint_name)
    return None


async def outcome(move: Coroutine[Any, Any, Any]) -> str | None:
    """The code of the refusal, if it was refused."""
    try:
        await move
    except MarketError as refused:
        return refused.code
    except Exception as refused:  # noqa: BLE001 - what the database refused, by its name
        return str(getattr(getattr(refused, "orig", refused), "constraint_name", refused))
    return None


@pytest.mark.parametrize("turn", range(3))
async def test_of_many_resolutions_at_once_exactly_one_succeeds(database: Database, turn: int) -> None:
    deal = await trading.active_contract(database, funds=Fen(1_000))
    account = orders.funds_of(deal.buyer.id)
    async with database.plain_transaction() as connection:
        hold_id = await orders.place(connection, account, 600)
    kinds: list[Callable[[Connection], Awaitable[Any]]] = [
        lambda connection: orders.post(connection, account, hold_id, 600),
        lambda connection: orders.post(connection, account, hold_id, 350, Rest.VOID),
        lambda connection: orders.void(connection, hold_id),
    ]
    results = await asyncio.gather(*(attempt(database, kinds[(turn + n) % 3]) for n in range(MANY)))
    assert results.count(None) == 1
    assert set(results) - {None} == {"ledger_hold_resolved_once"}
    balance, held = await orders.standing(database, deal.buyer.id, FREE)
    assert (balance in {400, 650, 1_000}, held) == (True, 0)


async def test_parts_posted_at_once_never_exceed_the_hold(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(1_000))
    account = orders.funds_of(deal.buyer.id)
    async with database.plain_transaction() as connection:
        hold_id = await orders.place(connection, account, 500)
    results = await asyncio.gather(
        *(
            attempt(database, lambda connection: orders.post(connection, account, hold_id, 150, Rest.KEEP))
            for _ in range(MANY)
        )
    )
    assert results.count(None) == 3
    assert set(results) - {None} == {"ledger_hold_within_amount"}
    assert await orders.standing(database, deal.buyer.id, FREE) == (550, 50)


async def test_held_money_is_not_spent_and_spent_money_is_not_held(database: Database) -> None:
    """Ten trades and ten holds for the money of seven."""
    deal = await trading.active_contract(database, funds=Fen(7 * PRICE))
    account = orders.funds_of(deal.buyer.id)
    placing = [
        attempt(database, lambda connection: orders.place(connection, account, PRICE)) for _ in range(10)
    ]
    buying = [trading.record(database, [trading.intent(deal)]) for _ in range(10)]
    held, bought = await asyncio.gather(asyncio.gather(*placing), asyncio.gather(*buying))
    trades = [found for batch in bought for found in batch]
    assert held.count(None) + sum(isinstance(found, Trade) for found in trades) == 7
    assert set(held) <= {None, "ledger_balance_not_overdrawn"}
    assert {type(found) for found in trades} <= {Trade, FundsInsufficient}
    balance, still = await orders.standing(database, deal.buyer.id, FREE)
    assert balance == still == held.count(None) * PRICE


async def test_one_business_holds_once(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(1_000))
    account, source = orders.funds_of(deal.buyer.id), new_id(NOON)
    results = await asyncio.gather(
        *(
            attempt(database, lambda connection: orders.place(connection, account, 100, source=source))
            for _ in range(MANY)
        )
    )
    assert results.count(None) == 1
    assert set(results) - {None} == {"ledger_hold_source_key"}


async def test_of_delivering_cancelling_and_lapsing_one_happens(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(100 * PRICE))
    for _ in range(4):
        order = await orders.placed(database, deal, 2)
        results = await asyncio.gather(
            *(
                outcome(orders.moved(database, by, order.id, event))
                for by, event in [
                    (deal.provider_account, OrderEvent.DELIVER),
                    (deal.buyer_account, OrderEvent.CANCEL),
                ]
                * 3
            ),
            outcome(order_actions.expire_overdue(database, LEDGER_ID, orders.IN_A_WEEK)),
            outcome(holds.expire_due(database, LEDGER_ID, orders.IN_A_WEEK)),
        )
        refused = {"state.transition-not-allowed", "ledger_hold_resolved_once"}
        assert set(results) <= {None, *refused}
        await order_actions.expire_overdue(database, LEDGER_ID, orders.IN_A_WEEK)


async def test_of_accepting_rejecting_and_silence_one_happens(database: Database) -> None:
    deal = await trading.active_contract(database, funds=Fen(100 * PRICE))
    for _ in range(4):
        order = await orders.delivered(database, deal, 2)
        late = NOON + timedelta(days=orders.ACCEPTANCE_DAYS + 1)
        results = await asyncio.gather(
            *(
                outcome(orders.moved(database, deal.buyer_account, order.id, event, accepted_quantity=part))
                for event, part in [(OrderEvent.ACCEPT, 1), (OrderEvent.REJECT, None)] * 3
            ),
            order_actions.accept_by_silence(database, LEDGER_ID, late),
        )
        async with database.transaction() as session:
            decided = await order_queries.get_order(session, order.id, visible_to=deal.buyer_account)
        assert results[:-1].count(None) + decided.by_silence == 1
        assert set(results[:-1]) <= {None, "state.transition-not-allowed"}
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)


async def test_orders_trades_refunds_and_chores_of_one_buyer_never_deadlock(database: Database) -> None:
    """Funds, escrow and every receiver are locked in one order, whatever is done to them."""
    deal = await trading.active_contract(database, of_zone=True, funds=Fen(10_000 * PRICE))
    back = await trading.active_contract(
        database, provider=deal.buyer, buyer=deal.provider, funds=Fen(10_000 * PRICE)
    )

    async def live(number: int) -> None:
        mine = deal if number % 2 else back
        order = await orders.delivered(database, mine, 5)
        moved = await orders.moved(
            database, mine.buyer_account, order.id, OrderEvent.ACCEPT, accepted_quantity=1 + number % 5
        )
        assert moved.trade_id is not None
        await trading.refund(database, mine, moved.trade_id)

    async def keep_house() -> None:
        for _ in range(5):
            await order_actions.expire_overdue(database, LEDGER_ID, moment())
            await holds.expire_due(database, LEDGER_ID, moment())
            await order_actions.accept_by_silence(database, LEDGER_ID, moment())

    async def trade(number: int) -> None:
        batch = [trading.intent(deal), trading.intent(back)]
        for found in await trading.record(database, batch if number % 2 else batch[::-1]):
            assert isinstance(found, Trade)

    await asyncio.gather(*(live(n) for n in range(12)), *(trade(n) for n in range(24)), keep_house())
    for owner in (deal.buyer.id, back.buyer.id):
        assert await orders.standing(database, owner, ESCROW) == (0, 0)
