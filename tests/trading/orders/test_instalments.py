"""Orders paid in instalments: at placement, on delivery, on acceptance; all of it one trade, or given back to the fen."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.ledger.holds import actions as holds
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders import rules
from datamarket.trading.orders.escrow import HELD_BEYOND
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderEvent, OrderState
from tests.conftest import ClientFor
from tests.world import orders, trading
from tests.world.trading import LEDGER_ID, Agreement, active_contract

FUNDS, PRICE = Fen(50_000), Fen(10_001)
FREE, ESCROW = AccountKind.BUYER_FUNDS, AccountKind.ESCROW
ONCE = PricePlan(PriceModel.ONE_OFF, PRICE)
SHARES = [3_000, 3_333, 3_667]
PARTS = [3_000, 3_333, 3_668]
DAYS = timedelta(days=1)


async def agreed(database: Database, **annex: Any) -> Agreement:
    return await active_contract(database, plan=ONCE, funds=FUNDS, annex={"instalments": SHARES} | annex)


async def money(database: Database, deal: Agreement) -> tuple[int, int, int]:
    """The buyer's funds, what of them is held, and what is in escrow."""
    funds, held = await orders.standing(database, deal.buyer.id, FREE)
    return funds, held, (await orders.standing(database, deal.buyer.id, ESCROW))[0]


async def test_each_instalment_falls_due_by_its_event_and_all_of_it_is_one_trade(
    database: Database, client_for: ClientFor
) -> None:
    deal = await agreed(database)
    buyer = client_for(deal.buyer_account)
    order = await orders.placed(database, deal)
    assert await money(database, deal) == (FUNDS - 3_000, PRICE - 3_000, 3_000)
    shown = (await buyer.get(f"/orders/{order.id}")).json()
    assert (shown["instalments"], shown["escrowed_fen"]) == (PARTS, 3_000)
    await orders.redelivered(database, deal, order.id)
    assert await money(database, deal) == (FUNDS - 6_333, 3_668, 6_333)
    assert (await buyer.get(f"/orders/{order.id}")).json()["escrowed_fen"] == 6_333
    done = await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    assert await money(database, deal) == (FUNDS - PRICE, 0, 0)
    trade = (await buyer.get(f"/trades/{done.trade_id}")).json()
    assert trade["amount_fen"] == PRICE == sum(trade["split"].values())
    uses = (await buyer.get(f"/contracts/{deal.contract.id}/uses")).json()["items"]
    assert [use["quantity"] for use in uses] == [1]
    month = f"/statements/{deal.buyer.id}/202406"
    lines = (await buyer.get(month, params={"format": "csv"})).text
    assert lines.count(str(order.id)) == 2 + 2 + 4 + 1  # two shares in and out of escrow, and the trade


@pytest.mark.parametrize("shares", [[10_000, 0, 0], [0, 10_000, 0], [0, 0, 10_000], SHARES])
@pytest.mark.parametrize("end", ["cancel", "expire", "reject", "lapse", "accept", "silence"])
async def test_whatever_the_shares_each_end_gives_back_or_pays_all(
    database: Database, shares: list[int], end: str
) -> None:
    deal = await agreed(database, instalments=shares, cure_days=5)
    order = await orders.placed(database, deal)
    if end == "cancel":
        await orders.moved(database, deal.buyer_account, order.id, OrderEvent.CANCEL)
    elif end == "expire":
        assert await order_actions.expire_overdue(database, LEDGER_ID, orders.IN_A_WEEK) >= 0
        assert await order_actions.lapse_escrowed(database, LEDGER_ID, orders.IN_A_WEEK) >= 1
    else:
        order = await orders.redelivered(database, deal, order.id)
        await _decided(database, deal, order, end)
    paid = PRICE if end in {"accept", "silence"} else 0
    assert await money(database, deal) == (FUNDS - paid, 0, 0)


async def _decided(database: Database, deal: Agreement, order: TradeOrder, end: str) -> None:
    if end == "accept":
        await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    elif end == "silence":
        assert order.decide_by is not None
        await holds.expire_due(database, LEDGER_ID, order.decide_by)
        assert await order_actions.accept_by_silence(database, LEDGER_ID, order.decide_by) >= 1
    else:
        back = await orders.rejected(database, deal, order.id)
        assert back.cure_by is not None
        if end == "lapse":
            assert await order_actions.lapse_escrowed(database, LEDGER_ID, back.cure_by) >= 1
        else:
            await orders.redelivered(database, deal, order.id)
            last = await orders.rejected(database, deal, order.id)
            assert last.state == OrderState.REJECTED


async def test_what_is_held_for_the_last_instalment_ends_at_last_and_then_free_funds_pay_it(
    database: Database,
) -> None:
    deal = await agreed(database)
    order = await orders.placed(database, deal)
    order = await orders.redelivered(database, deal, order.id)
    assert order.decide_by is not None
    late = order.deliver_by + HELD_BEYOND + 11 * DAYS
    await holds.expire_due(database, LEDGER_ID, late)
    assert await money(database, deal) == (FUNDS - 6_333, 0, 6_333)
    spent = Fen((FUNDS - 6_333) // PRICE * PRICE)
    plan = PricePlan(PriceModel.PER_CALL, PRICE)
    other = await active_contract(database, buyer=deal.buyer, plan=plan, funds=None)
    bought = await trading.trade(database, other, spent // PRICE, at=late)
    await order_actions.accept_by_silence(database, LEDGER_ID, late)
    assert bought.amount_fen == spent
    assert (await money(database, deal))[2] == 6_333
    await trading.deposit(database, deal.buyer.id, PRICE)
    assert await order_actions.accept_by_silence(database, LEDGER_ID, late) >= 1
    assert await money(database, deal) == (FUNDS - spent, 0, 0)


async def test_instalments_go_with_a_one_off_price_and_add_up(
    database: Database, client_for: ClientFor
) -> None:
    by_call = await active_contract(database, annex={"instalments": SHARES})
    wanted = {"contract_id": str(by_call.contract.id), "purpose": by_call.purpose, "quantity": 1}
    late = {"deliver_by": orders.IN_A_WEEK.isoformat(), "acceptance_days": 5}
    refused = await client_for(by_call.buyer_account).post("/orders", json=wanted | late)
    assert (refused.status_code, refused.json()["code"]) == (409, "order.instalments-not-one-off")
    deal = await agreed(database)
    buyer = client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}/offers"
    for shares in ([5_000, 5_000], [3_000, 3_000, 3_999], [-1, 5_001, 5_000]):
        wrong = await buyer.post(path, json={"annex": {"instalments": shares}})
        assert wrong.json()["code"] == "request.invalid"
    changed = {"instalments": [0, 0, 10_000], "hidden_defect": True, "cure_days": 7}
    offered = (await buyer.post(path, json={"annex": changed})).json()
    told = {one["clause"]: (one["before_zh"], one["after_zh"]) for one in offered["differences"]}
    assert told == {
        "cure_days": ("无", "7"),
        "hidden_defect": ("无", "是"),
        "instalments": ("30%、33.33%、36.67%", "0%、0%、100%"),
    }


@given(
    st.integers(0, 10**14),
    st.lists(st.integers(0, 10_000), min_size=2, max_size=2).filter(lambda two: sum(two) <= 10_000),
)
def test_instalments_add_up_to_the_fen_and_none_is_above_its_share_but_the_last(
    amount: int, two: list[int]
) -> None:
    shares = [*two, 10_000 - sum(two)]
    parts = rules.instalments_of(Fen(amount), shares)
    if not amount:
        assert parts is None
        return
    assert parts is not None
    assert sum(parts) == amount
    assert [10_000 * part <= amount * share for part, share in zip(parts[:2], shares, strict=False)] == [
        True
    ] * 2
    assert 0 <= 10_000 * parts[2] - amount * shares[2] < 20_000
    assert min(parts) >= 0
