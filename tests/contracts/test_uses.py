"""Uses one by one and by the thousand: those that come at once share a transaction, a refused one counts nothing."""

import asyncio
from itertools import pairwise

from datamarket.auth.terms import Role
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from tests.conftest import Client, ClientFor
from tests.world import trading
from tests.world.people import AUTHORITY, actor

USE = {"purpose": "industrial_development"}


async def counted(database: Database, deal: trading.Agreement) -> tuple[int, int, int]:
    """Of a contract: what its meter says, what its uses add up to, and how many transactions wrote them."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT used FROM contract_meter WHERE contract_id = $1), coalesce(sum(quantity), 0)::bigint,"
            " count(DISTINCT xmin::text) FROM contract_use WHERE contract_id = $1",
            deal.contract.id,
        )
    assert row is not None
    used, added, transactions = row
    return used, added, transactions


async def test_uses_that_come_at_once_share_transactions_and_each_has_its_own_answer(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, quota=41, funds=None)
    buyer = client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}/uses"
    await buyer.post(path, json=USE)
    keys = [{"Idempotency-Key": f"{deal.contract.id}-{number}"} for number in range(30)]
    bodies = [
        USE | {"quantity": 2, "purpose": "research" if n % 10 == 9 else USE["purpose"]} for n in range(30)
    ]
    answers = await asyncio.gather(
        *(buyer.post(path, json=body, headers=key) for body, key in zip(bodies, keys, strict=True))
    )
    done = [answer for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert len({answer.json()["id"] for answer in done}) == 20
    assert sorted(told["code"] for told in refused) == (
        ["contract.purpose-not-authorised"] * 3 + ["contract.quota-exhausted"] * 7
    )
    assert {told["detail"] for told in refused if "quota" in told["code"]} == {
        "The contract's quota does not suffice: 0 left, 2 asked."
    }
    used, added, transactions = await counted(database, deal)
    assert (used, added) == (41, 41)
    assert transactions <= 1 + 20 / 2
    again = [await buyer.post(path, json=bodies[n], headers=keys[n]) for n in range(30)]
    assert [answer.content for answer in again if answer.status_code == 201] == [a.content for a in done]
    assert {answer.headers["Idempotency-Replayed"] for answer in again if answer.status_code == 201} == {
        "true"
    }
    other = await buyer.post(path, json=USE | {"quantity": 3}, headers=keys[0])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key-reused")


async def audited(client: Client, deal: trading.Agreement) -> list[dict[str, object]]:
    """What the audit holds about the uses of a contract, oldest first."""
    found = await client.get("/audit-events", params={"subject": str(deal.contract.id), "limit": 100})
    facts = [event["facts"] for event in found.json()["items"] if event["action"] == "contracts.use"]
    return list(reversed(facts))


async def test_a_batch_of_uses_decides_each_item_in_its_turn(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, quota=10, funds=None)
    buyer = client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}/uses/batch"
    items = [
        USE | {"quantity": 6},
        USE | {"purpose": "research"},
        USE | {"quantity": 5},
        USE | {"quantity": 4},
        USE,
    ]
    key = {"Idempotency-Key": f"batch-{deal.contract.id}"}
    first = await buyer.post(path, json={"items": items}, headers=key)
    told = first.json()
    assert (told["recorded"], told["refused"]) == (2, 3)
    assert [item["code"] for item in told["items"]] == [
        None, "contract.purpose-not-authorised", "contract.quota-exhausted", None, "contract.quota-exhausted",
    ]  # fmt: skip
    assert told["items"][2]["en"] == "The contract's quota does not suffice: 4 left, 5 asked."
    assert told["items"][2]["zh"] == "合同用量额度不足：剩余 4，本次需要 5。"
    assert (await buyer.post(path, json={"items": items}, headers=key)).content == first.content
    assert await counted(database, deal) == (10, 10, 1)
    kept = (await buyer.get(f"/contracts/{deal.contract.id}/uses")).json()["items"]
    metered = [item["use"] for item in told["items"] if item["use"]]
    assert sorted(kept, key=lambda use: use["id"]) == sorted(metered, key=lambda use: use["id"])
    events = await audited(client_for(AUTHORITY), deal)
    assert {(event["use_id"], event["quantity"]) for event in events} == {
        (use["id"], use["quantity"]) for use in metered
    }


async def test_an_atomic_batch_of_uses_counts_all_or_nothing(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, quota=1_000, funds=None)
    buyer = client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}/uses/batch"
    refused = await buyer.post(path, json={"items": [USE] * 1_001, "atomic": True})
    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"]) == (409, "/body/items/1000")
    assert await counted(database, deal) == (0, 0, 0)
    whole = (await buyer.post(path, json={"items": [USE] * 1_000, "atomic": True})).json()
    assert (whole["recorded"], whole["refused"]) == (1_000, 0)
    assert await counted(database, deal) == (1_000, 1_000, 1)
    ids = [item["use"]["id"] for item in whole["items"]]
    assert all(before != after for before, after in pairwise(ids))
    assert (await buyer.post(path, json={"items": [USE] * 5_001})).status_code == 422
    await trading.move(database, deal, AUTHORITY, ContractEvent.SUSPEND, "核查")
    stopped = (await buyer.post(path, json={"items": [USE] * 3})).json()
    assert {item["code"] for item in stopped["items"]} == {"contract.not-active"}
    as_buyer = client_for(actor(Role.BUYER, organisation=deal.provider.id))
    assert (await as_buyer.post(path, json={"items": [USE]})).json()["code"] == "contract.buyer-uses"
