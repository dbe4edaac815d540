"""A dispute beside a refund, a payout, another dispute, and its own outcomes, on connections of their own."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.ledger.terms import AccountKind
from datamarket.payouts.rules import BalanceExceeded
from datamarket.payouts.tables import PayoutBatch
from datamarket.payouts.terms import BatchEvent
from datamarket.trading.disputes.rules import DisputeOpen
from datamarket.trading.disputes.tables import TradeDispute
from datamarket.trading.disputes.terms import DisputeEvent
from datamarket.trading.refunds import NothingToRefund, TradeDisputed
from tests.world import disputes, orders, payouts, trading
from tests.world.books import assert_books_hold
from tests.world.payouts import Officers
from tests.world.people import AUTHORITY

INCOME = AccountKind.PROVIDER_INCOME
TURNS = 6


@pytest_asyncio.fixture
async def market(fresh_database: Database) -> AsyncIterator[Database]:
    yield fresh_database
    await assert_books_hold(fresh_database.url)


async def test_of_a_dispute_and_a_refund_of_the_whole_one_happens(market: Database) -> None:
    deal = await trading.active_contract(market)
    for turn in range(TURNS):
        trade = await trading.trade(market, deal, 3)
        both = [
            disputes.opened(market, deal.buyer_account, trade.id),
            trading.refund(market, deal, trade.id),
        ]
        found = await asyncio.gather(*(both if turn % 2 else both[::-1]), return_exceptions=True)
        refused = [outcome for outcome in found if isinstance(outcome, MarketError)]
        assert len(refused) == 1
        assert isinstance(refused[0], (TradeDisputed, NothingToRefund))


async def test_of_disputes_at_once_one_is_opened(market: Database) -> None:
    deal = await trading.active_contract(market)
    trade = await trading.trade(market, deal, 3)
    sides = [deal.buyer_account, deal.provider_account] * 3
    found = await asyncio.gather(
        *(disputes.opened(market, side, trade.id) for side in sides), return_exceptions=True
    )
    assert sum(isinstance(outcome, TradeDispute) for outcome in found) == 1
    assert sum(isinstance(outcome, DisputeOpen) for outcome in found) == 5


async def test_what_a_dispute_holds_is_not_paid_out(market: Database) -> None:
    """The batch was approved before: either it is sent and nothing is left to hold, or the hold stops it."""
    for _ in range(TURNS):
        deal = await trading.active_contract(market)
        trade = await trading.trade(market, deal, 3)
        officers = Officers()
        batch = await payouts.approved(market, officers)
        opened, sent = await asyncio.gather(
            disputes.opened(market, deal.buyer_account, trade.id),
            payouts.moved(market, officers.maker, batch.id, BatchEvent.SEND),
            return_exceptions=True,
        )
        assert isinstance(opened, TradeDispute)
        balance, held = await orders.standing(market, deal.provider.id, INCOME)
        if isinstance(sent, PayoutBatch):
            assert (balance, held, opened.hold_id) == (0, 0, None)
        else:
            assert isinstance(sent, BalanceExceeded)
            assert balance == held == trade.split.provider_fen
            await payouts.moved(market, officers.maker, batch.id, BatchEvent.CANCEL)


async def test_of_three_outcomes_at_once_one_happens_beside_new_trades(market: Database) -> None:
    deal = await trading.active_contract(market)
    for _ in range(TURNS):
        trade = await trading.trade(market, deal, 3)
        dispute = await disputes.opened(market, deal.buyer_account, trade.id)
        await disputes.moved(market, deal.provider_account, dispute, DisputeEvent.ANSWER)
        await disputes.moved(market, deal.provider_account, dispute, DisputeEvent.OFFER, amount_fen=4_001)
        found = await asyncio.gather(
            disputes.moved(market, deal.buyer_account, dispute, DisputeEvent.SETTLE),
            disputes.moved(market, deal.buyer_account, dispute, DisputeEvent.WITHDRAW),
            disputes.moved(market, AUTHORITY, dispute, DisputeEvent.DECIDE, amount_fen=9_000),
            trading.trade(market, deal, 1),
            trading.trade(market, deal, 2),
            return_exceptions=True,
        )
        closed = [outcome for outcome in found[:3] if isinstance(outcome, TradeDispute)]
        assert len(closed) == 1
        assert not any(isinstance(outcome, BaseException) for outcome in found[3:])
        assert (await orders.standing(market, deal.provider.id, INCOME))[1] == 0
