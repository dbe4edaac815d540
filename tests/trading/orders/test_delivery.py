"""Deliveries as the contract has them: its days of acceptance, a cure, a use that accepts, a cut."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders.terms import OrderEvent
from tests.conftest import Client, ClientFor
from tests.world import catalogue, orders, trading
from tests.world.people import moment
from tests.world.trading import LEDGER_ID, Agreement, active_contract

PRICE = 3_000
FUNDS = Fen(1_000_000)
FREE, ESCROW = AccountKind.BUYER_FUNDS, AccountKind.ESCROW
BY_CALL = {"cure_days": 10}


def wanted(deal: Agreement, **changed: Any) -> dict[str, Any]:
    asked = {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 10}
    return asked | {"deliver_by": orders.IN_A_WEEK.isoformat()} | changed


async def told(client: Client, order_id: object) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get(f"/orders/{order_id}")).json()
    return shown


async def allowed(client: Client, order_id: object) -> list[str]:
    events: list[str] = (await client.get(f"/orders/{order_id}/allowed-events")).json()["events"]
    return events


async def move(client: Client, order_id: object, event: str, **more: Any) -> dict[str, Any]:
    """The order after the event, or the refusal."""
    answer = await client.post(f"/orders/{order_id}/events", json={"event": event} | more)
    found: dict[str, Any] = answer.json()
    return found


async def metered(database: Database, deal: Agreement) -> tuple[int, int, int]:
    """Used, reserved, undecided."""
    statement = "SELECT used, reserved, undecided FROM contract_meter WHERE contract_id = $1"
    async with database.connection() as connection:
        row = await connection.fetchrow(statement, deal.contract.id)
    assert row is not None
    return row[0], row[1], row[2]


async def turn(chore: Any, database: Database, at: datetime) -> None:
    """A turn of housekeeping that finds something to do; other tests' orders may be due as well."""
    assert await chore(database, LEDGER_ID, at) >= 1


async def test_the_days_of_acceptance_are_those_of_the_contract(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, annex={"acceptance_days": 120})
    buyer = client_for(deal.buyer_account)
    refused = await buyer.post("/orders", json=wanted(deal, acceptance_days=7))
    assert (refused.status_code, refused.json()["code"]) == (409, "order.acceptance-days-differ")
    assert "120 days of acceptance, the order names 7" in refused.json()["detail"]
    order = (await buyer.post("/orders", json=wanted(deal))).json()
    assert order["acceptance_days"] == 120
    done = await orders.redelivered(database, deal, order["id"])
    assert done.decide_by is not None
    assert done.delivered_at is not None
    assert done.decide_by - done.delivered_at == timedelta(days=120)
    silent = await active_contract(database)
    missing = await client_for(silent.buyer_account).post("/orders", json=wanted(silent))
    assert (missing.status_code, missing.json()["code"]) == (422, "order.acceptance-days-missing")
    named = await client_for(silent.buyer_account).post("/orders", json=wanted(silent, acceptance_days=7))
    assert named.json()["acceptance_days"] == 7


async def test_a_first_rejection_leaves_the_provider_one_cure_and_the_second_ends_it(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS, quota=10, annex=BY_CALL)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await orders.delivered(database, deal, 10)
    sent_back = await move(buyer, order.id, "reject", reason="三份文件损坏")
    assert (sent_back["state"], sent_back["reason"], sent_back["decided_at"]) == (
        "curing", "三份文件损坏", None,
    )  # fmt: skip
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (10 * PRICE, 0)
    assert await metered(database, deal) == (0, 10, 1)
    [matter] = (await seller.get("/inbox")).json()["items"]
    assert (matter["kind"], matter["until"]) == ("order_to_cure", sent_back["cure_by"])
    assert await allowed(seller, order.id) == ["deliver", "offer_cut"]
    again = await move(seller, order.id, "deliver")
    assert (again["state"], again["cure_by"]) == ("delivered", sent_back["cure_by"])
    assert again["decide_by"] > str(order.decide_by)
    assert await metered(database, deal) == (0, 10, 1)
    ended = await move(buyer, order.id, "reject", reason="仍不符合约定")
    assert (ended["state"], ended["reason"]) == ("rejected", "仍不符合约定")
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 0)
    assert await metered(database, deal) == (0, 0, 0)


async def test_what_is_not_cured_in_time_lapses_and_all_is_given_back(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS, annex=BY_CALL)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await orders.delivered(database, deal, 10)
    sent_back = await orders.rejected(database, deal, order.id)
    ends = {"event": "terminate", "reason": "不再需要"}
    kept = await buyer.post(f"/contracts/{deal.contract.id}/events", json=ends)
    assert kept.json()["code"] == "contract.deliveries-undecided"
    assert sent_back.cure_by is not None
    for by, event in ((deal.provider_account, OrderEvent.DELIVER), (deal.buyer_account, OrderEvent.ACCEPT)):
        with pytest.raises(Exception, match=r"order\.cure-over"):
            await orders.moved(database, by, order.id, event, at=sent_back.cure_by)
    await order_actions.lapse_escrowed(database, LEDGER_ID, sent_back.cure_by - timedelta(seconds=1))
    assert (await told(buyer, order.id))["state"] == "curing"
    await turn(order_actions.lapse_escrowed, database, sent_back.cure_by)
    assert (await told(buyer, order.id))["state"] == "rejected"
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)
    assert await metered(database, deal) == (0, 0, 0)
    assert (await move(seller, order.id, "deliver"))["code"] == "state.transition-not-allowed"


async def test_a_suspended_contract_takes_no_cure_and_what_is_in_cure_may_be_accepted_after_all(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS, annex=BY_CALL)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await orders.delivered(database, deal, 10)
    await orders.rejected(database, deal, order.id)
    path = f"/contracts/{deal.contract.id}/events"
    await seller.post(path, json={"event": "suspend", "reason": "核查"})
    assert (await move(seller, order.id, "deliver"))["code"] == "contract.not-active"
    await seller.post(path, json={"event": "resume", "reason": "核查完毕"})
    accepted = await move(buyer, order.id, "accept", accepted_quantity=4, reason="其余损坏")
    assert (accepted["state"], accepted["accepted_quantity"]) == ("accepted", 4)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 4 * PRICE, 0)
    assert await metered(database, deal) == (4, 0, 0)


@pytest.mark.parametrize("priced", [True, False])
async def test_a_use_after_the_delivery_accepts_the_whole_at_its_instant(
    database: Database, client_for: ClientFor, priced: bool
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    await trading.used(database, deal)
    order = await orders.delivered(database, deal, 10)
    assert "reject" in await allowed(buyer, order.id)
    at = moment()
    await (trading.trade(database, deal, at=at) if priced else trading.used(database, deal, at=at))
    for asked in ({"event": "reject"}, {"event": "accept", "accepted_quantity": 9}):
        refused = await buyer.post(f"/orders/{order.id}/events", json=asked | {"reason": "不符"})
        assert (refused.status_code, refused.json()["code"]) == (409, "order.delivery-used")
    assert (await move(seller, order.id, "offer_cut", cut_fen=1))["code"] == "order.delivery-used"
    assert await allowed(buyer, order.id) == ["accept"]
    await turn(order_actions.accept_by_silence, database, at + timedelta(seconds=1))
    decided = await told(buyer, order.id)
    assert (decided["state"], decided["by_silence"], decided["accepted_quantity"]) == ("accepted", False, 10)
    trade = (await buyer.get(f"/trades/{decided['trade_id']}")).json()
    assert datetime.fromisoformat(trade["occurred_at"]) == at == datetime.fromisoformat(decided["used_at"])


async def test_neither_what_was_used_before_nor_the_acceptance_of_another_order_accepts_a_delivery(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS, annex=BY_CALL)
    other = await orders.delivered(database, deal, 2)
    order = await orders.delivered(database, deal, 3)
    await orders.moved(database, deal.buyer_account, other.id, OrderEvent.ACCEPT)
    await order_actions.accept_by_silence(database, LEDGER_ID, moment())
    await orders.rejected(database, deal, order.id)
    await trading.used(database, deal)
    await orders.redelivered(database, deal, order.id)
    await order_actions.accept_by_silence(database, LEDGER_ID, moment())
    assert (await told(client_for(deal.buyer_account), order.id))["state"] == "delivered"
    await orders.rejected(database, deal, order.id)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)


async def test_where_only_use_shows_a_defect_a_use_accepts_nothing(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS, annex={"hidden_defect": True})
    order = await orders.delivered(database, deal, 10)
    await trading.trade(database, deal)
    await order_actions.accept_by_silence(database, LEDGER_ID, moment())
    buyer = client_for(deal.buyer_account)
    assert (await told(buyer, order.id))["state"] == "delivered"
    assert (await move(buyer, order.id, "reject", reason="运行后发现错误"))["state"] == "rejected"


async def test_a_use_waits_while_the_contract_is_suspended_and_counts_then(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    seller, path = client_for(deal.provider_account), f"/contracts/{deal.contract.id}/events"
    order = await orders.delivered(database, deal, 10)
    await trading.used(database, deal)
    await seller.post(path, json={"event": "suspend", "reason": "核查"})
    await order_actions.accept_by_silence(database, LEDGER_ID, moment())
    assert (await told(seller, order.id))["state"] == "delivered"
    await seller.post(path, json={"event": "resume", "reason": "核查完毕"})
    await turn(order_actions.accept_by_silence, database, moment())
    assert (await told(seller, order.id))["state"] == "accepted"


@pytest.mark.parametrize("curing", [True, False])
async def test_the_whole_is_accepted_at_the_cut_that_its_provider_offered(
    database: Database, client_for: ClientFor, curing: bool
) -> None:
    deal = await active_contract(database, funds=FUNDS, annex=BY_CALL)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await orders.delivered(database, deal, 10)
    if curing:
        await orders.rejected(database, deal, order.id)
    for cut in (None, 10 * PRICE + 1):
        refused = await move(seller, order.id, "offer_cut", **({"cut_fen": cut} if cut else {}))
        assert refused["code"] == "order.cut-out-of-range"
    assert (await move(buyer, order.id, "offer_cut", cut_fen=1))["code"] == "order.not-your-move"
    assert (await move(buyer, order.id, "accept", cut_fen=1))["code"] == "order.cut-out-of-range"
    offered = await move(seller, order.id, "offer_cut", cut_fen=1_234, reason="三份文件损坏")
    assert (offered["state"], offered["cut_fen"]) == ("curing" if curing else "delivered", 1_234)
    assert (await move(seller, order.id, "offer_cut", cut_fen=1_234))["code"] == "order.cut-out-of-range"
    await move(seller, order.id, "offer_cut", cut_fen=7_777)
    accepted = await move(buyer, order.id, "accept")
    trade = (await buyer.get(f"/trades/{accepted['trade_id']}")).json()
    assert (trade["amount_fen"], trade["refunded_fen"]) == (10 * PRICE, 7_777)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 10 * PRICE + 7_777, 0)


async def test_a_part_is_accepted_without_the_cut_and_silence_takes_the_whole_with_it(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    part, whole = await orders.delivered(database, deal, 10), await orders.delivered(database, deal, 10)
    for order in (part, whole):
        await move(seller, order.id, "offer_cut", cut_fen=10 * PRICE)
    assert await allowed(seller, part.id) == []
    await move(buyer, part.id, "accept", accepted_quantity=9, reason="一份重复")
    assert whole.decide_by is not None
    await turn(order_actions.accept_by_silence, database, whole.decide_by)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 9 * PRICE, 0)
    assert (await told(buyer, whole.id))["by_silence"] is True


async def test_a_cut_of_what_costs_less_than_was_held_is_the_whole_of_it(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED, funds=FUNDS)
    for units in (20, 5):
        order = await orders.delivered(database, deal, units)
        most = order.amount_fen
        await orders.moved(database, deal.provider_account, order.id, OrderEvent.OFFER_CUT, cut_fen=most)
        await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
        shown = await told(client_for(deal.buyer_account), order.id)
        assert shown["state"] == "accepted"
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 0)
