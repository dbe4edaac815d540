"""What a buyer has used and not priced: listed for the seller, who may price it when its time has come."""

from datetime import date, timedelta

import pytest

from datamarket.auth.terms import Role
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.foundation.documents.dated import DatedValue
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKind
from datamarket.trading import rules
from datamarket.trading.orders.terms import OrderEvent
from datamarket.trading.revenue.files import pricing_waits
from tests.conftest import Client, ClientFor
from tests.world import orders, trading
from tests.world.people import NOON, actor, unique
from tests.world.trading import active_contract, used

WAIT = pricing_waits()[0].value
PRICE = 3_000


async def listed(client: Client, **asked: str) -> list[str]:
    page = (await client.get("/trades/unpriced", params=asked)).json()
    return [use["id"] for use in page["items"]]


def test_the_wait_is_that_of_the_day_of_use_and_without_one_nothing_is_priced() -> None:
    waits = [
        DatedValue(date(2024, 6, 1), date(2024, 6, 3), timedelta(days=10), "[assumed] first"),
        DatedValue(date(2024, 6, 3), None, timedelta(days=20), "[assumed] then"),
    ]
    for used_at, days in ((NOON - timedelta(days=1), 10), (NOON, 20)):
        assert rules.seller_prices_from(used_at, waits) == used_at + timedelta(days=days)
    with pytest.raises(rules.NoRevenueRule):
        rules.seller_prices_from(NOON - timedelta(days=3), waits)


async def test_the_seller_prices_a_use_that_the_buyer_has_left_unpriced(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=Fen(1_000_000))
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    due, early = [str(await used(database, deal, 4, at=NOON - WAIT + timedelta(seconds=s))) for s in (0, 1)]
    path, key = f"/trades/unpriced/{due}", {"Idempotency-Key": unique("price")}
    use = (await seller.get("/trades/unpriced")).json()["items"][0]
    assert (use["id"], use["buyer_id"], use["quantity"]) == (due, str(deal.buyer.id), 4)
    assert use["seller_prices_from"] == NOON.isoformat().replace("+00:00", "Z")
    refused = await seller.post(f"/trades/unpriced/{early}")
    assert (refused.status_code, refused.json()["code"]) == (409, "trade.use-not-due")
    priced = [await seller.post(path, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in priced] == [201, 201]
    assert (
        priced[0].json() == priced[1].json() == (await buyer.get(f"/trades/{priced[0].json()['id']}")).json()
    )
    assert (priced[0].json()["amount_fen"], priced[0].json()["use_id"]) == (4 * PRICE, due)
    assert (await seller.post(path)).json()["code"] == "trade.use-priced-already"
    assert await orders.standing(database, deal.buyer.id, AccountKind.BUYER_FUNDS) == (
        1_000_000 - 4 * PRICE,
        0,
    )
    assert await listed(seller) == [early]


async def test_a_use_that_the_buyers_funds_cannot_pay_stays_listed_until_they_can(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=Fen(PRICE - 1))
    seller = client_for(deal.provider_account)
    use_id = str(await used(database, deal, at=NOON - WAIT))
    await trading.move(database, deal, deal.buyer_account, ContractEvent.TERMINATE, "不再需要")
    poor = await seller.post(f"/trades/unpriced/{use_id}")
    assert (poor.status_code, poor.json()["code"]) == (409, "ledger.funds-insufficient")
    assert await listed(seller) == [use_id]
    await trading.deposit(database, deal.buyer.id, Fen(1))
    assert (await seller.post(f"/trades/unpriced/{use_id}")).status_code == 201
    assert await listed(seller) == []


async def test_only_the_seller_of_a_use_sees_and_prices_it(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database)
    use_id = await used(database, deal, at=NOON - WAIT)
    for account in (actor(Role.PROVIDER, organisation=new_id(NOON)), deal.buyer_account):
        other = client_for(account)
        assert await listed(other) == []
        assert (await other.post(f"/trades/unpriced/{use_id}")).status_code == 404
    only_buys = client_for(actor(Role.BUYER, organisation=deal.buyer.id))
    assert (await only_buys.get("/trades/unpriced")).status_code == 403
    assert (await only_buys.post(f"/trades/unpriced/{use_id}")).status_code == 403
    seller, own = (
        client_for(deal.provider_account),
        {"contract_id": str(deal.contract.id), "use_id": str(use_id)},
    )
    assert (await seller.post(f"/trades/unpriced/{new_id(NOON)}")).status_code == 404
    assert (await seller.post("/trades", json=own)).status_code == 404


async def test_what_has_its_trade_is_not_listed_and_the_rest_is_read_page_by_page(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database)
    other = await active_contract(database, provider=deal.provider, buyer=deal.buyer)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    await trading.trade(database, deal)
    order = await orders.delivered(database, deal)
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    mine = str(await used(database, deal))
    own = {"contract_id": str(deal.contract.id), "use_id": mine}
    assert await listed(seller) == [mine]
    assert (await buyer.post("/trades", json=own)).status_code == 201
    unpriced = [str(await used(database, agreement)) for agreement in (deal, other, deal, other)]
    expected = [unpriced[0], unpriced[2], unpriced[1], unpriced[3]]
    assert await listed(seller) == expected
    assert await listed(seller, contract=str(other.contract.id)) == expected[2:]
    page = (await seller.get("/trades/unpriced", params={"limit": "3"})).json()
    assert [use["id"] for use in page["items"]] == expected[:3]
    assert await listed(seller, limit="3", after=page["next"]) == expected[3:]
