"""Trades over HTTP: priced, split, posted once, refused with a reason, refunded exactly."""

import asyncio

import pytest

from datamarket.auth.terms import Role
from datamarket.contracts.terms import Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.participants.terms import IncomeClass
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.world import catalogue, zones
from tests.world.people import AUDITOR, FINANCE, actor, unique
from tests.world.trading import active_contract, requested_contract

PURPOSE = Purpose.INDUSTRIAL_DEVELOPMENT


async def test_a_trade_is_priced_split_posted_and_certified(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(session, plan=catalogue.PER_CALL)
    deal = await active_contract(database, listed=listed, funds=Fen(10_000_000))
    buyer = client_for(deal.buyer_account)
    answer = await buyer.post(
        "/trades", json={"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 100}
    )
    assert answer.status_code == 201, answer.text
    trade = answer.json()
    assert trade["amount_fen"] == 100 * 3_000
    assert sum(trade["split"].values()) == trade["amount_fen"]
    assert trade["split"]["supplying_fen"] > 0
    certificate = (await buyer.get(f"/trades/{trade['id']}/certificate")).json()
    entry = (await client_for(AUDITOR).get(f"/ledger/entries/{certificate['entry_id']}")).json()
    assert sum(leg["amount_fen"] for leg in entry["legs"]) == 0
    assert entry["digest"] == certificate["entry_digest"]
    accounts = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"]
    assert [account["balance_fen"] for account in accounts] == [10_000_000 - 300_000]


async def test_the_same_key_posts_once_and_answers_the_same_fifty_times(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, quota=1000, funds=Fen(10_000_000))
    buyer = client_for(deal.buyer_account)
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 7}
    key = {"Idempotency-Key": unique("fifty")}
    answers = await asyncio.gather(*(buyer.post("/trades", json=body, headers=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    trades = (await buyer.get("/trades", params={"contract": str(deal.contract.id)})).json()["items"]
    assert len(trades) == 1
    funds = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"][0]
    assert funds["legs"] == 2  # the deposit and one settlement


async def test_a_key_used_for_another_content_is_refused(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, funds=Fen(10_000_000))
    buyer = client_for(deal.buyer_account)
    key = {"Idempotency-Key": unique("key")}
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 1}
    assert (await buyer.post("/trades", json=body, headers=key)).status_code == 201
    again = await buyer.post("/trades", json=body | {"quantity": 2}, headers=key)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency.key-reused")
    del buyer.event_hooks["request"][:]
    missing = await buyer.post("/trades", json=body)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency.key-missing")


async def test_a_refused_trade_changes_nothing_and_may_be_asked_again_with_its_key(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, quota=10, funds=Fen(2_999))
    buyer = client_for(deal.buyer_account)
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 1}
    key = {"Idempotency-Key": unique("key")}
    poor = await buyer.post("/trades", json=body, headers=key)
    assert (poor.status_code, poor.json()["code"]) == (409, "ledger.funds-insufficient")
    uses = await buyer.get(f"/contracts/{deal.contract.id}/uses")
    assert uses.json()["items"] == []
    deposit = {"owner_id": str(deal.buyer.id), "amount_fen": 1, "reference": "one fen"}
    assert (await client_for(FINANCE).post("/ledger/deposits", json=deposit)).status_code == 201
    assert (await buyer.post("/trades", json=body, headers=key)).status_code == 201


async def test_each_refusal_has_its_own_code(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, quota=5, funds=Fen(10_000_000))
    unsigned = await requested_contract(database, buyer=deal.buyer)
    buyer = client_for(deal.buyer_account)
    contract = str(deal.contract.id)
    for body, code in (
        ({"contract_id": contract, "purpose": "research", "quantity": 1}, "contract.purpose-not-authorised"),
        ({"contract_id": contract, "purpose": PURPOSE, "quantity": 6}, "contract.quota-exhausted"),
        (
            {"contract_id": str(unsigned.contract.id), "purpose": PURPOSE, "quantity": 1},
            "contract.not-active",
        ),
        ({"contract_id": str(deal.buyer.id), "purpose": PURPOSE, "quantity": 1}, "not-found"),
        ({"contract_id": contract, "use_id": contract}, "not-found"),
        ({"contract_id": contract, "purpose": PURPOSE, "quantity": 10**9}, "contract.quota-exhausted"),
        ({"contract_id": contract}, "request.invalid"),
        ({"contract_id": contract, "purpose": PURPOSE, "quantity": 1.0}, "request.invalid"),
        ({"contract_id": contract, "purpose": PURPOSE, "quantity": "1"}, "request.invalid"),
        ({"contract_id": contract, "purpose": "theft", "quantity": 1}, "request.invalid"),
        ({"contract_id": contract, "purpose": PURPOSE, "quantity": 1, "price_fen": 1}, "request.invalid"),
    ):
        assert (await buyer.post("/trades", json=body)).json()["code"] == code, body
    stranger = client_for(actor(Role.BUYER, organisation=deal.contract.provider_id))
    answer = await stranger.post("/trades", json={"contract_id": contract, "purpose": PURPOSE, "quantity": 1})
    assert answer.status_code == 404


async def test_free_public_good_use_is_recorded_and_posts_nothing(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(
            session, use_class=UseClass.PUBLIC_GOOD, plan=catalogue.FREE
        )
    deal = await active_contract(database, listed=listed, use_class=UseClass.PUBLIC_GOOD)
    buyer = client_for(deal.buyer_account)
    body = {"contract_id": str(deal.contract.id), "purpose": "public_welfare", "quantity": 3}
    trade = (await buyer.post("/trades", json=body)).json()
    assert trade["amount_fen"] == 0
    certificate = (await buyer.get(f"/trades/{trade['id']}/certificate")).json()
    assert certificate["entry_id"] is None
    refund = await client_for(deal.provider_account).post(
        f"/trades/{trade['id']}/refunds", json={"reason": "none"}
    )
    assert refund.json()["code"] == "trade.nothing-to-refund"


@pytest.mark.edge(12)
async def test_a_metered_use_is_priced_once(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, quota=10, funds=Fen(1_000_000))
    buyer = client_for(deal.buyer_account)
    contract = str(deal.contract.id)
    use = (await buyer.post(f"/contracts/{contract}/uses", json={"purpose": PURPOSE, "quantity": 4})).json()
    body = {"contract_id": contract, "use_id": use["id"]}
    first = await buyer.post("/trades", json=body)
    assert first.json()["quantity"] == 4
    second = await buyer.post("/trades", json=body)
    assert (second.status_code, second.json()["code"]) == (409, "trade.use-priced-already")
    decision = (
        await buyer.post(f"/contracts/{contract}/uses/dry-run", json={"purpose": PURPOSE, "quantity": 7})
    ).json()
    assert decision["code"] == "contract.quota-exhausted"
    assert (decision["used"], decision["rule"], decision["rule_zh"]) == (4, "quota", "用量额度")


async def test_a_batch_isolates_its_bad_items_and_an_atomic_one_does_not(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, quota=5, funds=Fen(9_000))
    buyer = client_for(deal.buyer_account)
    good = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 1}
    bad = good | {"purpose": "research"}
    items = [good, bad, good, good, good]  # the fourth good one exceeds the funds
    refused = await buyer.post("/trades/batch", json={"items": items, "atomic": True})
    assert refused.status_code == 409
    answer = (await buyer.post("/trades/batch", json={"items": items})).json()
    assert (answer["recorded"], answer["refused"]) == (3, 2)
    assert [item["code"] for item in answer["items"]] == [
        None, "contract.purpose-not-authorised", None, None, "ledger.funds-insufficient",
    ]  # fmt: skip


async def test_refunds_mirror_the_trade_until_nothing_is_left(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        units = [
            await zones.supplying_unit(session, kind)
            for kind in (IncomeClass.ADMINISTRATIVE, IncomeClass.INSTITUTION, IncomeClass.ENTERPRISE)
        ]
        resources = tuple(
            [await zones.registered_resource(session, operated, supplier=unit) for unit in units]
        )
        listed = await catalogue.published_zone_listing(
            session, operated=operated, resources=resources, plan=catalogue.PER_CALL
        )
    deal = await active_contract(database, listed=listed, funds=Fen(30_000))
    buyer, seller = client_for(deal.buyer_account), client_for(deal.provider_account)
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 10}
    trade = (await buyer.post("/trades", json=body)).json()
    path = f"/trades/{trade['id']}/refunds"
    for amount in (1, 9_999, 7):
        answer = await seller.post(path, json={"amount_fen": amount, "reason": "quality"})
        assert answer.status_code == 201, answer.text
    excess = await seller.post(path, json={"amount_fen": 20_000, "reason": "quality"})
    assert excess.json()["code"] == "ledger.refund-exceeds"
    assert (await buyer.post(path, json={"reason": "mine"})).status_code == 403
    assert (await seller.post(path, json={"reason": "the rest"})).json()["amount_fen"] == 30_000 - 10_007
    assert (await buyer.get(f"/trades/{trade['id']}")).json()["state"] == "refunded"
    funds = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"][0]
    assert funds["balance_fen"] == 30_000
    stale = await seller.post(path, json={"reason": "again"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_ten_refunds_at_once_give_back_the_whole_only_once(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=Fen(30_000))
    body = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 10}
    trade = (await client_for(deal.buyer_account).post("/trades", json=body)).json()
    seller = client_for(deal.provider_account)
    path = f"/trades/{trade['id']}/refunds"
    answers = await asyncio.gather(*(seller.post(path, json={"reason": "whole"}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_an_atomic_batch_says_which_item_was_refused(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, funds=Fen(9_000))
    good = {"contract_id": str(deal.contract.id), "purpose": PURPOSE, "quantity": 1}
    batch = {"items": [good, good, good | {"purpose": "research"}], "atomic": True}
    refused = await client_for(deal.buyer_account).post("/trades/batch", json=batch)
    [fault] = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/body/items/2", "contract.purpose-not-authorised")


async def test_a_provider_is_told_that_the_buyer_uses(database: Database, client_for: ClientFor) -> None:
    deal = await active_contract(database, funds=None)
    use = {"purpose": PURPOSE}
    for path in ("uses", "uses/dry-run"):
        as_buyer = actor(Role.BUYER, organisation=deal.provider.id)
        answer = await client_for(as_buyer).post(f"/contracts/{deal.contract.id}/{path}", json=use)
        assert (answer.status_code, answer.json()["code"]) == (403, "contract.buyer-uses")
