"""The database goes away in the middle: 503, and the same key afterwards succeeds, with nothing double."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, migrate
from datamarket.server.app import create_app
from datamarket.server.embedded import embedded_server
from tests.conftest import client_of
from tests.world import trading
from tests.world.people import NOON, enrol, unique


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Path]:
    """A server of this test's own, to be stopped and started at will."""
    folder = tmp_path / "postgres"
    server = embedded_server(folder)
    yield folder
    server.cleanup()


async def test_a_trade_survives_an_outage_with_its_key(own_server: Path, settings: Settings) -> None:
    server = embedded_server(own_server)
    url = await create_database(server.get_uri(), "outage")
    await migrate(url)
    database = await Database(url, 3).open()
    deal = await trading.active_contract(database)
    await enrol(database, deal.buyer_account)
    app = create_app(settings, database, read_clock=lambda: NOON)
    body = {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 2}
    key = {"Idempotency-Key": unique("outage")}
    async with client_of(app, deal.buyer_account, NOON) as buyer:
        await asyncio.to_thread(server.stop)
        for path, sent in (("/trades", body), ("/ledger/deposits", {}), ("/contracts", None)):
            answer = await (buyer.get(path) if sent is None else buyer.post(path, json=sent, headers=key))
            assert answer.status_code in {503, 403}, answer.text
            if answer.status_code == 503:
                assert answer.json()["code"] == "database.unavailable"
                assert answer.headers["Retry-After"]
        ready = await buyer.get("http://market/health/ready")
        assert ready.status_code == 503
        assert (await buyer.get("http://market/health/live")).status_code == 200
        await asyncio.to_thread(server.ensure_postgres_running)
        first = await _until_it_answers(buyer, body, key)
        again = await buyer.post("/trades", json=body, headers=key)
        assert again.content == first.content
        assert len((await buyer.get("/trades")).json()["items"]) == 1
    await database.close()


async def _until_it_answers(
    buyer: httpx.AsyncClient, body: dict[str, object], key: dict[str, str]
) -> httpx.Response:
    """Broken connections are noticed one by one; each try is the same write."""
    for _ in range(20):
        answer = await buyer.post("/trades", json=body, headers=key)
        if answer.status_code == 201:
            return answer
        assert answer.status_code == 503
        await asyncio.sleep(0.05)
    pytest.fail("the database came back, the market did not")
