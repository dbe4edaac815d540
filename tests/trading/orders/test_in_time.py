"""What time does to an order: it lapses, silence accepts it, a suspended contract keeps it waiting."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from datamarket.contracts import actions as contract_actions
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders.terms import OrderEvent
from tests.conftest import ClientFor
from tests.world import orders, trading
from tests.world.people import AUDITOR
from tests.world.trading import LEDGER_ID, active_contract

PRICE = 3_000
FUNDS = Fen(1_000_000)
FREE = AccountKind.BUYER_FUNDS
ESCROW = AccountKind.ESCROW


@pytest.mark.parametrize("ledger_first", [True, False])
async def test_an_order_that_is_not_delivered_in_time_lapses(
    database: Database, client_for: ClientFor, ledger_first: bool
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    order = await orders.placed(database, deal, 10)
    free = await orders.placed(database, deal, 5, deliver_by=orders.IN_A_WEEK + timedelta(days=1))
    after = orders.IN_A_WEEK
    if ledger_first:
        await _turn(holds.expire_due, database, after)
    await _turn(order_actions.expire_overdue, database, after)
    assert await order_actions.expire_overdue(database, LEDGER_ID, after) == 0
    buyer = client_for(deal.buyer_account)
    assert (await buyer.get(f"/ledger/holds/{order.hold_id}")).json()["state"] == "expired"
    await holds.expire_due(database, LEDGER_ID, after)  # finds at most what others of this database left
    assert (await buyer.get(f"/orders/{order.id}")).json()["state"] == "expired"
    assert (await buyer.get(f"/ledger/holds/{order.hold_id}")).json()["state"] == "expired"
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, free.amount_fen)


async def test_after_its_time_an_order_is_neither_delivered_nor_cancelled(database: Database) -> None:
    deal = await active_contract(database, funds=FUNDS)
    order = await orders.placed(database, deal)
    for by, move in ((deal.provider_account, OrderEvent.DELIVER), (deal.buyer_account, OrderEvent.CANCEL)):
        with pytest.raises(Exception, match=r"order\.overdue"):
            await orders.moved(database, by, order.id, move, at=orders.IN_A_WEEK)


async def test_silence_accepts_the_whole_at_the_end_of_the_time_for_it(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    order = await orders.delivered(database, deal, 10)
    assert order.decide_by is not None
    for move, part in ((OrderEvent.REJECT, None), (OrderEvent.ACCEPT, 9)):
        with pytest.raises(Exception, match=r"order\.acceptance-over"):
            await orders.moved(
                database, deal.buyer_account, order.id, move, accepted_quantity=part, at=order.decide_by
            )
    await _turn(order_actions.accept_by_silence, database, order.decide_by + timedelta(days=40))
    buyer = client_for(deal.buyer_account)
    decided = (await buyer.get(f"/orders/{order.id}")).json()
    assert (decided["state"], decided["by_silence"], decided["accepted_quantity"]) == ("accepted", True, 10)
    trade = (await buyer.get(f"/trades/{decided['trade_id']}")).json()
    assert datetime.fromisoformat(trade["occurred_at"]) == order.decide_by
    events = await client_for(AUDITOR).get("/audit-events", params={"subject": str(order.id)})
    assert [entry["action"] for entry in events.json()["items"]] == [
        "trading.accept-order", "trading.deliver-order", "trading.place-order",
    ]  # fmt: skip
    assert events.json()["items"][0]["facts"]["by_silence"] is True


async def test_a_suspended_contract_keeps_its_orders_waiting_and_an_ended_one_still_takes_what_was_delivered(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    waiting = await orders.placed(database, deal)
    order = await orders.delivered(database, deal, 10)
    assert order.decide_by is not None
    await trading.move(database, deal, deal.provider_account, ContractEvent.SUSPEND, "核查")
    for by, identifier, move in (
        (deal.provider_account, waiting.id, OrderEvent.DELIVER),
        (deal.buyer_account, order.id, OrderEvent.ACCEPT),
    ):
        with pytest.raises(Exception, match=r"contract\.not-active"):
            await orders.moved(database, by, identifier, move)
    await order_actions.accept_by_silence(database, LEDGER_ID, order.decide_by)
    buyer = client_for(deal.buyer_account)
    assert (await buyer.get(f"/orders/{order.id}")).json()["state"] == "delivered"
    await trading.move(database, deal, deal.provider_account, ContractEvent.TERMINATE, "不再提供")
    with pytest.raises(Exception, match=r"contract\.not-active"):
        await orders.moved(database, deal.provider_account, waiting.id, OrderEvent.DELIVER)
    await _turn(order_actions.accept_by_silence, database, order.decide_by)
    decided = (await buyer.get(f"/orders/{order.id}")).json()
    assert (decided["state"], decided["by_silence"], decided["reason"]) == ("accepted", True, None)
    assert (
        await orders.moved(database, deal.buyer_account, waiting.id, OrderEvent.CANCEL)
    ).state == "cancelled"
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 10 * PRICE, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)


async def _turn(chore: Any, database: Database, at: datetime) -> None:
    """A turn of housekeeping that finds something to do; other tests' orders may be due as well."""
    assert await chore(database, LEDGER_ID, at) >= 1


async def test_what_was_delivered_is_taken_also_where_notice_ends_the_contract_before_the_time_for_acceptance(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    provider, buyer = client_for(deal.provider_account), client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}"
    await provider.post(f"{path}/offers", json={"annex": {"notice_days": 3}})
    for by, event in ((buyer, "accept"), (provider, "agree"), (provider, "sign"), (buyer, "sign")):
        await by.post(f"{path}/events", json={"event": event})
    await trading.deposit(database, deal.buyer.id)
    spoken, silent = await orders.delivered(database, deal, 2), await orders.delivered(database, deal, 1)
    await provider.post(f"{path}/events", json={"event": "terminate", "reason": "转产"})
    ends = datetime.fromisoformat((await buyer.get(path)).json()["ends_at"])
    assert silent.decide_by is not None
    assert ends < silent.decide_by
    late = ends + timedelta(hours=1)
    await orders.moved(database, deal.buyer_account, spoken.id, OrderEvent.ACCEPT, at=late)
    await _turn(contract_actions.expire_due, database, ends + timedelta(hours=3))
    await _turn(order_actions.accept_by_silence, database, silent.decide_by)
    for order in (spoken, silent):
        assert (await buyer.get(f"/orders/{order.id}")).json()["state"] == "accepted"
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)
