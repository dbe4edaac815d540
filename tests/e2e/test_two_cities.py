"""Two cities on one database: a buyer of one buys in the other, and neither's books lose a fen."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.ledger.cities import actions as city_actions
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.server.app import create_app
from datamarket.server.checks import check_books
from tests.conftest import Client, client_of
from tests.world import trading
from tests.world.people import FINANCE, NOON, moment, unique

QINGDAO, JINAN = trading.LEDGER_ID, 370100
SENT = 250_000


@dataclass
class City:
    """One city's application, and those who call it."""

    app: Any
    clients: list[Client]

    def client(self, actor: Actor) -> Client:
        client = client_of(self.app, actor, NOON)
        self.clients.append(client)
        return client

    async def balance(self, account: AccountKey) -> int:
        answer = await self.client(FINANCE).get(f"/ledger/accounts/{account.id}")
        return int(answer.json()["balance_fen"]) if answer.is_success else 0


@dataclass
class Two:
    """Both cities on one database; a buyer with money in Qingdao, and with a contract in Jinan."""

    database: Database
    qingdao: City
    jinan: City
    deal: trading.Agreement

    async def send(self, amount_fen: int = SENT, reference: str | None = None) -> dict[str, Any]:
        answer = await self.qingdao.client(FINANCE).post(
            "/ledger/city-transfers",
            json={
                "owner_id": str(self.deal.buyer.id),
                "to_ledger": JINAN,
                "amount_fen": amount_fen,
                "reference": reference or unique("order"),
            },
        )
        assert answer.status_code == 201, answer.text
        sent: dict[str, Any] = answer.json()
        return sent

    async def assert_books_hold(self) -> None:
        for ledger_id in (QINGDAO, JINAN):
            broken = {f.check.id: f.breaches for f in await check_books(self.database.url, ledger_id)}
            assert not any(broken.values()), (ledger_id, broken)

    async def between_them(self) -> int:
        """What the two mirrored clearing accounts add up to: what is on its way, else nothing."""
        there = await self.qingdao.balance(city_actions.clearing_with(QINGDAO, JINAN))
        return there + await self.jinan.balance(city_actions.clearing_with(JINAN, QINGDAO))


@pytest_asyncio.fixture
async def two(fresh_database: Database, settings: Settings) -> AsyncIterator[Two]:
    deal = await trading.requested_contract(fresh_database)
    await trading.deposit(fresh_database, deal.buyer.id)
    qingdao, jinan = [
        City(
            create_app(
                settings.model_copy(update={"ledger_id": ledger_id}), fresh_database, read_clock=moment
            ),
            [],
        )
        for ledger_id in (QINGDAO, JINAN)
    ]
    two = Two(fresh_database, qingdao, jinan, deal)
    for actor, event in (
        (deal.provider_account, "agree"),
        (deal.provider_account, "sign"),
        (deal.buyer_account, "sign"),
    ):
        signed = await two.jinan.client(actor).post(
            f"/contracts/{deal.contract.id}/events", json={"event": event}
        )
        assert signed.status_code == 200, signed.text
    answer = await two.jinan.client(FINANCE).post(
        "/ledger/deposits",
        json={"owner_id": str(deal.provider.id), "amount_fen": 7, "reference": unique("advice")},
    )
    assert answer.status_code == 201
    yield two
    for city in (qingdao, jinan):
        for client in city.clients:
            await client.aclose()


async def settle(city: City, transfer: str) -> Any:
    return await city.client(FINANCE).post(
        f"/ledger/city-transfers/{transfer}/events", json={"event": "settle"}
    )


async def received(two: Two) -> dict[str, Any]:
    """Money of the buyer, sent by Qingdao and taken in by Jinan."""
    sent = await two.send()
    assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 1
    return sent


async def test_money_for_another_city_is_on_its_way_until_that_city_has_it(two: Two) -> None:
    sent = await two.send()
    assert (sent["direction"], sent["state"], sent["state_zh"]) == ("outgoing", "sent", "已汇出")
    assert await two.between_them() == SENT
    await two.assert_books_hold()
    assert (await settle(two.qingdao, sent["id"])).json()["code"] == "state.transition-not-allowed"
    jinan, path = two.jinan.client(two.deal.buyer_account), f"/ledger/city-transfers/{sent['id']}"
    assert (await jinan.get(path)).status_code == 404

    assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 1
    assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 0
    assert await two.between_them() == 0
    await two.assert_books_hold()
    mine = (await jinan.get(path)).json()
    assert (mine["direction"], mine["state"], mine["other_ledger"]) == ("incoming", "received", QINGDAO)


async def test_a_buyer_of_one_city_buys_in_another_and_both_settle(two: Two) -> None:
    funds = {city: AccountKey(city, two.deal.buyer.id, AccountKind.BUYER_FUNDS) for city in (QINGDAO, JINAN)}
    order = {"contract_id": str(two.deal.contract.id), "purpose": two.deal.purpose, "quantity": 3}
    jinan = two.jinan.client(two.deal.buyer_account)
    refused = await jinan.post("/trades", json=order)
    assert refused.json()["code"] == "ledger.funds-insufficient"
    before = await two.qingdao.balance(funds[QINGDAO])
    sent = await received(two)
    trade = await jinan.post("/trades", json=order)
    assert trade.status_code == 201
    assert await two.jinan.balance(funds[JINAN]) == SENT - trade.json()["amount_fen"]
    for city in (two.qingdao, two.jinan):
        assert (await settle(city, sent["id"])).json()["state"] == "settled"
        await two.assert_books_hold()
    assert await two.jinan.balance(funds[JINAN]) == SENT - trade.json()["amount_fen"]
    assert await two.qingdao.balance(funds[QINGDAO]) == before - SENT


async def test_the_city_that_sent_settles_first_and_each_city_once(two: Two) -> None:
    sent = await received(two)
    path = f"/ledger/city-transfers/{sent['id']}/allowed-events"
    first = await settle(two.jinan, sent["id"])
    assert (first.status_code, first.json()["code"]) == (409, "ledger.other-city-first")
    assert (await two.jinan.client(FINANCE).get(path)).json()["events"] == []
    for city in (two.qingdao, two.jinan):
        assert (await city.client(FINANCE).get(path)).json()["events"] == ["settle"]
        assert (await settle(city, sent["id"])).json()["state"] == "settled"
        await two.assert_books_hold()
        assert (await settle(city, sent["id"])).status_code == 409


async def test_settling_moves_the_money_from_bank_to_bank_and_empties_what_was_between(two: Two) -> None:
    sent = await received(two)
    bank = await two.qingdao.balance(AccountKey(QINGDAO, None, AccountKind.BANK))
    for city in (two.qingdao, two.jinan):
        assert (await settle(city, sent["id"])).json()["state"] == "settled"
    assert bank - await two.qingdao.balance(AccountKey(QINGDAO, None, AccountKind.BANK)) == SENT
    assert await two.jinan.balance(AccountKey(JINAN, None, AccountKind.BANK)) == SENT + 7
    assert await two.qingdao.balance(city_actions.clearing_with(QINGDAO, JINAN)) == 0
    assert await two.jinan.balance(city_actions.clearing_with(JINAN, QINGDAO)) == 0


async def test_what_cannot_be_sent_is_refused_and_moves_nothing(two: Two) -> None:
    sent = await two.send(reference="order 1")
    again = {
        "owner_id": str(two.deal.buyer.id),
        "to_ledger": JINAN,
        "amount_fen": 5,
        "reference": "order 1",
    }
    client = two.qingdao.client(FINANCE)
    for wrong, code in (
        ({}, "ledger.transfer-reference-used"),
        ({"reference": "2", "to_ledger": QINGDAO}, "ledger.same-city"),
        ({"reference": "3", "to_ledger": 110000}, "ledger.city-unknown"),
        ({"reference": "4", "amount_fen": 10**13}, "ledger.funds-insufficient"),
    ):
        assert (await client.post("/ledger/city-transfers", json=again | wrong)).json()["code"] == code
    stranger = two.qingdao.client(two.deal.provider_account)
    assert (await stranger.get(f"/ledger/city-transfers/{sent['id']}")).status_code == 404
    assert (await stranger.get("/ledger/city-transfers")).json()["items"] == []
    own = await two.qingdao.client(two.deal.buyer_account).get("/ledger/city-transfers")
    assert [item["id"] for item in own.json()["items"]] == [sent["id"]]
    assert await two.between_them() == SENT
    await two.assert_books_hold()


async def test_many_rounds_at_once_receive_each_transfer_once(two: Two) -> None:
    sent = [await two.send(amount_fen=10 + number) for number in range(8)]
    rounds = [city_actions.receive_due(two.database, QINGDAO, moment()) for _ in range(6)]
    assert sum(await asyncio.gather(*rounds)) == len(sent)
    funds = AccountKey(JINAN, two.deal.buyer.id, AccountKind.BUYER_FUNDS)
    assert await two.jinan.balance(funds) == sum(transfer["amount_fen"] for transfer in sent)
    assert await two.between_them() == 0
    await two.assert_books_hold()


async def test_a_transfer_that_is_refused_there_stays_sent_and_holds_up_no_other(two: Two) -> None:
    stuck, free = await two.send(reference="stuck"), await two.send(reference="free")
    place = (JINAN, UUID(stuck["id"]))
    owner = await asyncpg.connect(two.database.url)
    try:
        await owner.execute(
            "INSERT INTO business_key VALUES ($1, 'city_transfer', $2, 'city_received', 202406, $2)", *place
        )
        assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 1
        assert await two.between_them() == SENT
        await owner.execute("DELETE FROM business_key WHERE ledger_id = $1 AND source_id = $2", *place)
    finally:
        await owner.close()
    await two.assert_books_hold()
    states = await two.qingdao.client(FINANCE).get("/ledger/city-transfers")
    assert {item["id"]: item["state"] for item in states.json()["items"]} == {
        stuck["id"]: "sent",
        free["id"]: "received",
    }
    assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 1
    assert await two.between_them() == 0
    await two.assert_books_hold()


_DYING = """
import asyncio, os, signal, sys
from datetime import datetime
from datamarket.foundation.db import Database
from datamarket.ledger import posting
from datamarket.ledger.cities import actions as city_actions

async def die(*_a, **_k):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    database = await Database(sys.argv[1], 2).open()
    if sys.argv[3] == "after the other city committed":
        city_actions.mark_received = die
    else:
        post = posting.post
        async def post_and_die(*a, **k):
            await post(*a, **k)
            await die()
        posting.post = post_and_die
    await city_actions.receive_due(database, int(sys.argv[2]), datetime.fromisoformat(sys.argv[4]))

asyncio.run(main())
"""


def _receive_and_die(url: str, moment_of_death: str, now: datetime) -> int:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _DYING, url, str(QINGDAO), moment_of_death, now.isoformat()],
        check=False,
        timeout=60,
        env=os.environ.copy(),
    ).returncode


@pytest.mark.parametrize(
    ("moment_of_death", "arrived"),
    [("before the other city commits", 0), ("after the other city committed", SENT)],
)
async def test_a_kill_between_the_steps_loses_nothing_and_doubles_nothing(
    two: Two, moment_of_death: str, arrived: int
) -> None:
    sent = await two.send()
    assert await asyncio.to_thread(_receive_and_die, two.database.url, moment_of_death, moment()) == -9
    funds = AccountKey(JINAN, two.deal.buyer.id, AccountKind.BUYER_FUNDS)
    assert await two.jinan.balance(funds) == arrived
    await two.assert_books_hold()
    assert await city_actions.receive_due(two.database, QINGDAO, moment()) == 1
    assert await two.jinan.balance(funds) == SENT
    assert await two.between_them() == 0
    ours = await two.qingdao.client(FINANCE).get(f"/ledger/city-transfers/{sent['id']}")
    assert ours.json()["state"] == "received"
    await two.assert_books_hold()


async def _tamper(url: str, statement: str, transfer: UUID) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement, transfer)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "holds"),
    [
        (
            "UPDATE city_transfer SET amount_fen = amount_fen + 1 WHERE id = $1 AND direction = 'outgoing'",
            False,
        ),
        ("UPDATE city_transfer SET state = 'settled' WHERE id = $1 AND direction = 'incoming'", False),
        ("DELETE FROM city_transfer WHERE id = $1 AND direction = 'incoming'", False),
        ("DELETE FROM city_transfer WHERE id = $1 AND direction = 'outgoing'", False),
        ("UPDATE city_transfer SET version = version + 1 WHERE id = $1", True),
    ],
)
async def test_the_check_of_both_cities_sees_a_transfer_that_one_of_them_changed(
    two: Two, statement: str, holds: bool
) -> None:
    sent = await two.send()
    await city_actions.receive_due(two.database, QINGDAO, moment())
    await _tamper(two.database.url, statement, UUID(sent["id"]))
    found = [
        [f.holds for f in await check_books(two.database.url, ledger_id) if f.check.id == "I11-cities"]
        for ledger_id in (QINGDAO, JINAN)
    ]
    assert found == [[holds]] * 2
