"""Orders over HTTP: money held, delivered into escrow, accepted in whole or part, rejected, cancelled."""

from datetime import timedelta
from typing import Any

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKind
from datamarket.zones.terms import UseClass
from tests.conftest import Client, ClientFor
from tests.world import catalogue, orders, trading
from tests.world.people import AUDITOR, NOON, actor, unique
from tests.world.trading import Agreement, active_contract

PRICE = 3_000
FUNDS = Fen(1_000_000)
NOBODY = new_id(NOON)
FREE = AccountKind.BUYER_FUNDS
ESCROW = AccountKind.ESCROW


def wanted(deal: Agreement, quantity: int = 10, **changed: Any) -> dict[str, Any]:
    return {
        "contract_id": str(deal.contract.id),
        "purpose": deal.purpose,
        "quantity": quantity,
        "deliver_by": orders.IN_A_WEEK.isoformat(),
        "acceptance_days": orders.ACCEPTANCE_DAYS,
    } | changed


async def ordered(client: Client, deal: Agreement, quantity: int = 10) -> dict[str, Any]:
    answer = await client.post("/orders", json=wanted(deal, quantity))
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def event(client: Client, order: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"/orders/{order['id']}/events", json={"event": name} | more)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def refusal(client: Client, order: dict[str, Any], name: str, **more: Any) -> tuple[int, str]:
    answer = await client.post(f"/orders/{order['id']}/events", json={"event": name} | more)
    return answer.status_code, answer.json()["code"]


async def allowed(client: Client, order: dict[str, Any]) -> list[str]:
    answer = await client.get(f"/orders/{order['id']}/allowed-events")
    events: list[str] = answer.json()["events"]
    return events


async def zoned(database: Database) -> Agreement:
    """A contract, priced by the call, on what a zone sells."""
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(session, plan=catalogue.PER_CALL)
    return await active_contract(database, listed=listed, quota=100, funds=FUNDS)


async def test_what_is_accepted_becomes_a_trade_and_the_rest_goes_back(
    database: Database, client_for: ClientFor
) -> None:
    deal = await zoned(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await event(seller, await ordered(buyer, deal), "deliver")
    assert await refusal(buyer, order, "accept", accepted_quantity=7) == (422, "order.part-unexplained")
    order = await event(buyer, order, "accept", accepted_quantity=7, reason="三份文件损坏")
    assert (order["state"], order["accepted_quantity"], order["by_silence"]) == ("accepted", 7, False)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 7 * PRICE, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)
    trade = (await buyer.get(f"/trades/{order['trade_id']}")).json()
    assert trade["amount_fen"] == 7 * PRICE == sum(trade["split"].values())
    uses = (await buyer.get(f"/contracts/{deal.contract.id}/uses")).json()["items"]
    assert [use["quantity"] for use in uses] == [7]


async def test_the_money_of_an_order_is_held_until_delivery_and_then_in_escrow(
    database: Database, client_for: ClientFor
) -> None:
    deal = await zoned(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await ordered(buyer, deal)
    assert (order["state"], order["amount_fen"]) == ("placed", 10 * PRICE)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 10 * PRICE)
    order = await event(seller, order, "deliver", reason="交付说明：接口已开通")
    assert order["decide_by"] > order["delivered_at"]
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS - 10 * PRICE, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (10 * PRICE, 0)


async def test_each_side_is_shown_its_own_moves_and_the_seller_what_awaits_delivery(
    database: Database, client_for: ClientFor
) -> None:
    deal = await zoned(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await ordered(buyer, deal)
    assert await allowed(seller, order) == ["deliver"]
    assert await allowed(buyer, order) == ["cancel"]
    awaited = (await seller.get("/orders/awaited")).json()["items"]
    assert [item["id"] for item in awaited] == [order["id"]]
    order = await event(seller, order, "deliver")
    assert await allowed(seller, order) == ["offer_cut"]
    assert await allowed(buyer, order) == ["accept", "reject"]
    assert (await seller.get("/orders/awaited")).json()["items"] == []
    await event(buyer, order, "accept", accepted_quantity=7, reason="三份文件损坏")
    told = (await seller.get(f"/orders/{order['id']}")).json()
    assert told["reason"] == "三份文件损坏"
    asked = {"subject": order["id"], "action": "trading.accept-order"}
    [accepted] = (await client_for(AUDITOR).get("/audit-events", params=asked)).json()["items"]
    assert accepted["facts"]["reason"] == "三份文件损坏"
    assert await allowed(buyer, order) == []


async def test_a_trade_paid_from_escrow_is_refunded_to_the_buyers_funds(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await event(seller, await ordered(buyer, deal), "deliver")
    order = await event(buyer, order, "accept")
    path = f"/trades/{order['trade_id']}/refunds"
    for amount in ({"amount_fen": 1}, {"amount_fen": 9_999}, {}):
        answer = await seller.post(path, json={"reason": "质量不符"} | amount)
        assert answer.status_code == 201, answer.text
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)


async def test_a_rejection_needs_a_reason_and_gives_everything_back(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await event(seller, await ordered(buyer, deal), "deliver")
    assert await refusal(buyer, order, "reject") == (422, "order.reason-missing")
    order = await event(buyer, order, "reject", reason="完整性低于约定")
    assert (order["state"], order["reason"], order["trade_id"]) == ("rejected", "完整性低于约定", None)
    assert await orders.standing(database, deal.buyer.id, FREE) == (FUNDS, 0)
    assert await orders.standing(database, deal.buyer.id, ESCROW) == (0, 0)
    assert (await refusal(buyer, order, "accept"))[1] == "state.transition-not-allowed"


async def test_a_cancelled_order_frees_the_money_and_is_not_delivered(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=Fen(PRICE))
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await ordered(buyer, deal, 1)
    poor = await buyer.post("/orders", json=wanted(deal, 1))
    assert (poor.status_code, poor.json()["code"]) == (409, "ledger.funds-insufficient")
    trade = {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 1}
    assert (await buyer.post("/trades", json=trade)).json()["code"] == "ledger.funds-insufficient"
    assert (await event(buyer, order, "cancel"))["state"] == "cancelled"
    assert (await refusal(seller, order, "deliver"))[1] == "state.transition-not-allowed"
    assert (await buyer.post("/trades", json=trade)).status_code == 201


async def test_each_side_makes_its_own_moves_and_strangers_see_nothing(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await ordered(buyer, deal)
    assert await refusal(buyer, order, "deliver") == (403, "order.not-your-move")
    assert await refusal(seller, order, "cancel") == (403, "order.not-your-move")
    assert await refusal(buyer, order, "expire") == (403, "order.not-your-move")
    only_sells = client_for(actor(Role.PROVIDER, organisation=deal.buyer.id))
    assert await refusal(only_sells, order, "cancel") == (403, "order.not-your-move")
    order = await event(seller, order, "deliver")
    for quantity in (11, 10**9):
        refused = await refusal(buyer, order, "accept", accepted_quantity=quantity)
        assert refused == (422, "order.quantity-not-asked")
    refused = await refusal(buyer, order, "reject", accepted_quantity=1, reason="-")
    assert refused == (422, "order.quantity-not-asked")
    stranger = client_for(actor(Role.BUYER, organisation=NOBODY))
    assert (await client_for(AUDITOR).get(f"/orders/{order['id']}")).status_code == 200
    assert await allowed(client_for(AUDITOR), order) == []
    for path in (f"/orders/{order['id']}", f"/orders/{order['id']}/allowed-events"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get(f"/ledger/holds/{order['hold_id']}")).status_code == 404
    assert (await stranger.get("/ledger/holds")).json()["items"] == []


async def test_an_order_must_be_acceptable_when_its_time_comes(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(
        database, quota=10, funds=FUNDS, term_to=orders.IN_A_WEEK + timedelta(days=5, seconds=1)
    )
    unsigned = await trading.requested_contract(database, buyer=deal.buyer)
    buyer = client_for(deal.buyer_account)
    await ordered(buyer, deal, 6)
    for body, code in (
        (wanted(deal, 5), "contract.quota-exhausted"),  # what waits counts as used
        (wanted(deal, 1, acceptance_days=6), "order.beyond-term"),
        (wanted(deal, 1, purpose="research"), "contract.purpose-not-authorised"),
        (wanted(deal, 1, deliver_by=NOON.isoformat()), "order.delivery-past"),
        (wanted(deal, 1, acceptance_days=0), "request.invalid"),
        (wanted(deal, 1, acceptance_days=91), "request.invalid"),
        (wanted(deal, 1, contract_id=str(unsigned.contract.id)), "contract.not-active"),
        (wanted(deal, 1, contract_id=str(deal.buyer.id)), "not-found"),
    ):
        assert (await buyer.post("/orders", json=body)).json()["code"] == code, body
    as_buyer = client_for(actor(Role.BUYER, organisation=deal.provider.id))
    assert (await as_buyer.post("/orders", json=wanted(deal, 1))).status_code == 404
    assert (await buyer.post("/orders", json=wanted(deal, 4))).status_code == 201


async def test_the_same_key_orders_once(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer = client_for(deal.buyer_account)
    key = {"Idempotency-Key": unique("order")}
    answers = [await buyer.post("/orders", json=wanted(deal), headers=key) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    listed = (await buyer.get("/orders", params={"contract": str(deal.contract.id)})).json()
    assert len(listed["items"]) == 1
    stale = await buyer.post(
        f"/orders/{answers[0].json()['id']}/events", json={"event": "cancel"}, headers={"If-Match": '"9"'}
    )
    assert stale.status_code == 412


async def test_a_free_order_holds_nothing_and_is_accepted_all_the_same(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(
            session, use_class=UseClass.PUBLIC_GOOD, plan=catalogue.FREE
        )
    deal = await active_contract(database, listed=listed, use_class=UseClass.PUBLIC_GOOD, funds=None)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    order = await ordered(buyer, deal, 3)
    assert (order["amount_fen"], order["hold_id"]) == (0, None)
    order = await event(seller, order, "deliver")
    order = await event(buyer, order, "accept", accepted_quantity=2, reason="一份重复")
    assert (await buyer.get(f"/trades/{order['trade_id']}")).json()["amount_fen"] == 0
    other = await event(buyer, await ordered(buyer, deal, 3), "cancel")
    assert other["state"] == "cancelled"
