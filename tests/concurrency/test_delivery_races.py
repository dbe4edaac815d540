"""A cure beside its deadline, a use beside a rejection, a cut beside an acceptance, on connections of their own."""

import asyncio
from datetime import timedelta

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders import queries as order_queries
from datamarket.trading.orders.rules import CureOver, DeliveryUsed
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderEvent, OrderState
from tests.world import orders, trading
from tests.world.people import moment
from tests.world.trading import LEDGER_ID, Agreement

TURNS = 6
TICK = timedelta(milliseconds=1)


async def seen(database: Database, deal: Agreement, order: TradeOrder) -> TradeOrder:
    async with database.transaction(reading=True) as session:
        return await order_queries.get_order(session, order.id, visible_to=deal.buyer_account)


async def test_of_a_cure_and_its_deadline_one_happens(database: Database) -> None:
    deal = await trading.active_contract(database, annex={"cure_days": 5})
    for turn in range(TURNS):
        order = await orders.delivered(database, deal, 3)
        back = await orders.rejected(database, deal, order.id)
        assert back.cure_by is not None
        both = [
            orders.redelivered(database, deal, order.id, at=back.cure_by - TICK),
            order_actions.lapse_escrowed(database, LEDGER_ID, back.cure_by),
        ]
        cured, *_ = sorted(
            await asyncio.gather(*(both if turn % 2 else both[::-1]), return_exceptions=True),
            key=lambda found: not isinstance(found, (TradeOrder, MarketError)),
        )
        after = await seen(database, deal, order)
        escrow, _ = await orders.standing(database, deal.buyer.id, AccountKind.ESCROW)
        if isinstance(cured, TradeOrder):
            assert (after.state, escrow) == (OrderState.DELIVERED, order.amount_fen)
            await orders.rejected(database, deal, order.id)
        else:
            assert (after.state, escrow) == (OrderState.REJECTED, 0)


async def test_of_two_deliveries_that_cure_one_order_one_happens(database: Database) -> None:
    deal = await trading.active_contract(database, annex={"cure_days": 5})
    order = await orders.delivered(database, deal, 3)
    await orders.rejected(database, deal, order.id)
    found = await asyncio.gather(
        *(orders.redelivered(database, deal, order.id) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, TradeOrder) for outcome in found) == 1
    assert not any(isinstance(outcome, CureOver) for outcome in found)


async def test_of_a_use_and_a_rejection_the_first_counts_and_they_agree(database: Database) -> None:
    deal = await trading.active_contract(database)
    for turn in range(TURNS):
        order = await orders.delivered(database, deal, 3)
        both = [trading.used(database, deal), orders.rejected(database, deal, order.id)]
        found = await asyncio.gather(*(both if turn % 2 else both[::-1]), return_exceptions=True)
        refused = [outcome for outcome in found if isinstance(outcome, MarketError)]
        assert all(isinstance(outcome, DeliveryUsed) for outcome in refused)
        await order_actions.accept_by_silence(database, LEDGER_ID, moment())
        after = await seen(database, deal, order)
        assert after.state == (OrderState.ACCEPTED if refused else OrderState.REJECTED)
        assert (after.used_at is not None) == bool(refused)


async def test_of_housekeeping_and_the_buyers_own_acceptance_one_trade_is_left(database: Database) -> None:
    deal = await trading.active_contract(database)
    for turn in range(TURNS):
        order = await orders.delivered(database, deal, 3)
        await orders.moved(database, deal.provider_account, order.id, OrderEvent.OFFER_CUT, cut_fen=77)
        await trading.used(database, deal)
        now = moment()
        both = [
            orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT),
            order_actions.accept_by_silence(database, LEDGER_ID, now),
        ]
        await asyncio.gather(*(both if turn % 2 else both[::-1]), return_exceptions=True)
        after = await seen(database, deal, order)
        async with database.connection() as connection:
            refunds = "SELECT amount_fen FROM refund WHERE trade_id = $1"
            given_back = await connection.fetch(refunds, after.trade_id)
        assert (after.state, [row[0] for row in given_back]) == (OrderState.ACCEPTED, [77])
