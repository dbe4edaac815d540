"""What an order reserves is its own: nobody else uses its units, and who has received does not end the contract."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders import actions as order_actions
from datamarket.trading.orders.tables import TradeOrder
from datamarket.trading.orders.terms import OrderEvent
from tests.conftest import Client, ClientFor
from tests.world import orders, trading
from tests.world.people import AUTHORITY
from tests.world.trading import LEDGER_ID, PLENTY, Agreement, active_contract

ENDING = {"event": "terminate", "reason": "不再需要"}


async def metered(client: Client, deal: Agreement) -> tuple[int, int]:
    """What is used and what is reserved of the quota."""
    asked = {"purpose": deal.purpose, "quantity": 1}
    told = (await client.post(f"/contracts/{deal.contract.id}/uses/dry-run", json=asked)).json()
    return told["used"], told["reserved"]


async def test_neither_a_use_nor_a_trade_nor_an_order_takes_the_units_of_an_order(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, quota=10)
    buyer = client_for(deal.buyer_account)
    order = await orders.delivered(database, deal, 6)
    body = {"purpose": deal.purpose, "quantity": 5}
    sale = body | {"contract_id": str(deal.contract.id)}
    uses = f"/contracts/{deal.contract.id}/uses"
    late = {"deliver_by": orders.IN_A_WEEK.isoformat(), "acceptance_days": 1}
    for path, wanted in ((uses, body), ("/trades", sale), ("/orders", sale | late)):
        refused = (await buyer.post(path, json=wanted)).json()
        assert refused["code"] == "contract.quota-exhausted"
        assert "4 left, 5 asked" in refused["detail"]
    batch = (await buyer.post("/trades/batch", json={"items": [sale, sale | {"quantity": 3}]})).json()
    assert [item["code"] for item in batch["items"]] == ["contract.quota-exhausted", None]
    assert (await buyer.post(uses, json=body | {"quantity": 1})).status_code == 201
    assert await metered(buyer, deal) == (4, 6)
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    assert await metered(buyer, deal) == (10, 0)


ENDS: Mapping[str, tuple[OrderEvent | None, int | None, int]] = {
    "cancelled": (OrderEvent.CANCEL, None, 0),
    "expired": (None, None, 0),
    "rejected": (OrderEvent.REJECT, None, 0),
    "accepted in part": (OrderEvent.ACCEPT, 4, 4),
    "accepted": (OrderEvent.ACCEPT, None, 6),
}
"""What ends an order, the part that is accepted, and what is used then."""


@pytest.mark.parametrize("end", ENDS)
async def test_every_end_of_an_order_frees_what_it_does_not_use(
    database: Database, client_for: ClientFor, end: str
) -> None:
    move, part, used = ENDS[end]
    deal = await active_contract(database, quota=10)
    make = orders.placed if move in {OrderEvent.CANCEL, None} else orders.delivered
    order, buyer = await make(database, deal, 6), client_for(deal.buyer_account)
    assert await metered(buyer, deal) == (0, 6)
    if move is None:
        assert await order_actions.expire_overdue(database, LEDGER_ID, orders.IN_A_WEEK) >= 1
    else:
        await orders.moved(database, deal.buyer_account, order.id, move, accepted_quantity=part)
    assert await metered(buyer, deal) == (used, 0)
    assert (await orders.placed(database, deal, 10 - used)).reserved_quantity == 10 - used


async def test_the_buyer_alone_does_not_end_a_contract_while_a_delivery_waits(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database)
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    path = f"/contracts/{deal.contract.id}"
    await orders.placed(database, deal)
    order = await orders.delivered(database, deal)
    refused = await buyer.post(f"{path}/events", json=ENDING)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.deliveries-undecided")
    await trading.move(database, deal, AUTHORITY, ContractEvent.SUSPEND, "核查")
    assert (await buyer.post(f"{path}/events", json=ENDING)).json()["code"] == "contract.deliveries-undecided"
    allowed = [(await who.get(f"{path}/allowed-events")).json()["events"] for who in (buyer, seller)]
    assert allowed == [["amend"], ["amend", "resume", "terminate"]]
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.REJECT)
    assert (await buyer.get(f"{path}/allowed-events")).json()["events"] == ["amend", "terminate"]
    assert (await buyer.post(f"{path}/events", json=ENDING)).json()["state"] == "ended"


@pytest.mark.parametrize("by_authority", [True, False])
async def test_what_was_delivered_is_still_decided_when_others_have_ended_the_contract(
    database: Database, client_for: ClientFor, by_authority: bool
) -> None:
    deal = await active_contract(database, quota=10)
    part, whole, none = [await orders.delivered(database, deal, 3) for _ in range(3)]
    ending = AUTHORITY if by_authority else deal.provider_account
    await trading.move(database, deal, ending, ContractEvent.TERMINATE, "核查")
    account = deal.buyer_account
    await orders.moved(database, account, part.id, OrderEvent.ACCEPT, accepted_quantity=2)
    await orders.moved(database, account, whole.id, OrderEvent.ACCEPT)
    await orders.moved(database, account, none.id, OrderEvent.REJECT)
    assert await metered(client_for(account), deal) == (5, 0)
    paid = 5 * part.unit_price_fen
    assert await orders.standing(database, deal.buyer.id, AccountKind.BUYER_FUNDS) == (PLENTY - paid, 0)


async def test_who_accepts_after_the_time_for_it_buys_at_its_end(
    database: Database, client_for: ClientFor
) -> None:
    end = orders.IN_A_WEEK + timedelta(days=orders.ACCEPTANCE_DAYS, seconds=1)
    deal = await active_contract(database, term_to=end)
    order = await orders.delivered(database, deal)
    late = await orders.moved(
        database, deal.buyer_account, order.id, OrderEvent.ACCEPT, at=end + timedelta(days=9)
    )
    trade: Any = (await client_for(deal.buyer_account).get(f"/trades/{late.trade_id}")).json()
    assert order.decide_by is not None
    assert trade["occurred_at"] == order.decide_by.isoformat().replace("+00:00", "Z")


async def test_an_order_from_before_reservations_is_given_back_where_its_quota_is_spent(
    database: Database, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    deal = await active_contract(database, quota=10)
    order = await orders.delivered(database, deal, 6)
    for table, column, key in (
        ("trade_order", "reserved_quantity", "id"),
        ("contract_meter", "reserved", "contract_id"),
    ):
        which = order.id if key == "id" else deal.contract.id
        await superuser.execute(f"UPDATE {table} SET {column} = 0 WHERE {key} = $1", which)  # noqa: S608 - names above
    await trading.trade(database, deal, 5)
    with pytest.raises(Exception, match=r"contract\.quota-exhausted"):
        await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    assert order.decide_by is not None
    assert await order_actions.accept_by_silence(database, LEDGER_ID, order.decide_by) >= 1
    async with database.transaction() as session:
        decided = await session.get_one(TradeOrder, order.id)
    assert (decided.state, decided.reason) == ("rejected", "contract.quota-exhausted")
    assert await orders.standing(database, deal.buyer.id, AccountKind.ESCROW) == (0, 0)
