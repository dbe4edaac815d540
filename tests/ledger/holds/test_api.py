"""Holds over HTTP."""

from typing import Any

from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from tests.conftest import Client, ClientFor
from tests.world import orders
from tests.world.people import AUDITOR
from tests.world.trading import active_contract

PRICE = 3_000
FUNDS = Fen(1_000_000)


async def event(client: Client, order: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"/orders/{order['id']}/events", json={"event": name} | more)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def test_holds_are_read_by_their_owner_and_by_overseers(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=FUNDS)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    first, second = [
        {"id": str(order.id), "hold_id": str(order.hold_id)}
        for order in [await orders.placed(database, deal, 10) for _ in range(2)]
    ]
    await event(seller, first, "deliver")
    page = (await buyer.get("/ledger/holds", params={"limit": 1})).json()
    assert [hold["source_id"] for hold in page["items"]] == [second["id"]]
    rest = (await buyer.get("/ledger/holds", params={"limit": 1, "after": page["next"]})).json()
    assert [hold["state"] for hold in rest["items"]] == ["posted"]
    account = page["items"][0]["account_id"]
    found = await client_for(AUDITOR).get("/ledger/holds", params={"account": account, "state": "held"})
    assert [hold["held_fen"] for hold in found.json()["items"]] == [10 * PRICE]
    whole = (await buyer.get(f"/ledger/holds/{first['hold_id']}")).json()
    assert [posting["amount_fen"] for posting in whole["postings"]] == [10 * PRICE]
    entry = await buyer.get(f"/ledger/entries/{whole['postings'][0]['entry_id']}")
    assert entry.json()["kind"] == "escrowed"
    assert (await seller.get(f"/ledger/holds/{first['hold_id']}")).status_code == 404
