"""Every wait for the database ends: with 503 in time, with the truth about a COMMIT, and with nothing double."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from datamarket import slices
from datamarket.edge.problems import translate
from datamarket.foundation import db
from datamarket.foundation.db import Database
from datamarket.foundation.desks.desk import POSTERS, Desk, Queued
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting import outages, patience
from datamarket.foundation.waiting.outages import FAILURES, DatabaseUnavailable
from datamarket.server import app as server
from datamarket.server.housekeeping import kept_house
from tests.conftest import Client, client_of
from tests.world import trading
from tests.world.line import Break, Line, line_to
from tests.world.people import FINANCE, NOON, enrol, unique
from tests.world.trading import Agreement

SECONDS = 2
"""The deadline of a request here."""
RETRY_SECONDS = 3
"""Between two probes here: longer than twenty requests take on a busy machine."""
PATIENCE_SECONDS = 20
"""Of a test, on a machine however busy: without deadlines each of these waits never ends."""
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@dataclass
class Wired:
    """A market whose database is at the end of a line; its contract, its buyer, and finance."""

    line: Line
    database: Database
    settings: Settings
    deal: Agreement
    buyer: Client
    finance: Client

    @property
    def use(self) -> dict[str, object]:
        return {"purpose": self.deal.purpose, "quantity": 2}

    @property
    def trade(self) -> dict[str, object]:
        return {"contract_id": str(self.deal.contract.id), **self.use}

    def writes(self) -> dict[str, tuple[Client, str, dict[str, object]]]:
        """One for each way in which a write reaches the database."""
        deposit = {"owner_id": str(self.deal.buyer.id), "amount_fen": 5, "reference": unique("deposit")}
        return {
            "desk": (self.buyer, "/trades", self.trade),
            "batch": (self.buyer, "/trades/batch", {"items": [self.trade]}),
            "use": (self.buyer, f"/contracts/{self.deal.contract.id}/uses", self.use),
            "session": (self.finance, "/ledger/deposits", deposit),
        }

    async def trades(self) -> int:
        """How many this contract has, as the database itself says."""
        async with self.database.connection() as connection:
            statement = "SELECT count(*) FROM trade WHERE contract_id = $1"
            counted: int = await connection.fetchval(statement, self.deal.contract.id)
            return counted

    async def answering(self) -> None:
        """Until both pools answer again, which the tests allow much longer than the market does."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            for path in ("/trades", "http://market/health/ready"):
                while (await self.buyer.get(path)).status_code != 200:  # noqa: ASYNC110 - a probe must be due
                    await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def wired(database: Database, settings: Settings) -> AsyncIterator[Wired]:
    deal = await trading.active_contract(database)
    await enrol(database, deal.buyer_account, FINANCE)
    async with line_to(database.url) as line:
        mine = await Database(line.url, 4, SECONDS).open()
        app = server.create_app(settings, mine, read_clock=lambda: NOON)
        async with (
            client_of(app, deal.buyer_account, NOON) as buyer,
            client_of(app, FINANCE, NOON) as finance,
        ):
            market = Wired(line, mine, settings, deal, buyer, finance)
            await market.answering()
            yield market
        line.thaw()
        await mine.close()


async def test_a_frozen_database_is_answered_with_503_and_all_is_as_before_after_the_thaw(
    wired: Wired,
) -> None:
    keyed = [
        (client, path, body, {"Idempotency-Key": unique("frozen")})
        for client, path, body in wired.writes().values()
    ]
    wired.line.freeze()
    async with asyncio.timeout(PATIENCE_SECONDS):
        asking = [client.post(path, json=body, headers=key) for client, path, body, key in keyed]
        reading = [wired.buyer.get(path) for path in ("/trades", "/listings", "http://market/health/ready")]
        answers = await asyncio.gather(*asking, *reading)
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["retryable"] for answer in answers} == {True}
    assert {"Retry-After" in answer.headers for answer in answers} == {True}
    assert (await wired.buyer.get("http://market/health/live")).status_code == 200
    wired.line.thaw()
    await wired.answering()
    for client, path, body, key in keyed:
        assert (await client.post(path, json=body, headers=key)).status_code in {200, 201}
    assert await wired.trades() == 2  # one of the desk, one of the batch


@pytest.mark.parametrize("way", ["desk", "use", "reading"])
async def test_an_open_circuit_asks_nothing_and_one_probe_at_a_time_closes_it(
    wired: Wired, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "RETRY_MILLISECONDS", 1000 * RETRY_SECONDS)

    async def ask(times: int) -> set[int]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            if way == "reading":
                asking = [wired.buyer.get("/trades") for _ in range(times)]
            else:
                client, path, body = wired.writes()[way]
                asking = [client.post(path, json=body) for _ in range(times)]
            return {answer.status_code for answer in await asyncio.gather(*asking)}

    wired.line.freeze()
    for _ in range(FAILURES):
        assert await ask(1) == {503}
    before = wired.line.asked
    assert await ask(20) == {503}
    assert wired.line.asked == before
    await asyncio.sleep(RETRY_SECONDS)
    assert await ask(20) == {503}
    assert wired.line.asked - before <= 2  # one connection, and one question on it
    wired.line.thaw()
    await wired.answering()
    assert await ask(1) <= {200, 201}


@pytest.mark.parametrize("way", ["desk", "batch", "use", "session"])
@pytest.mark.parametrize("breaks", list(Break))
async def test_a_commit_that_breaks_is_of_unknown_outcome_and_its_key_tells(
    wired: Wired, breaks: Break, way: str
) -> None:
    client, path, body = wired.writes()[way]
    key = {"Idempotency-Key": unique("commit")}
    wired.line.breaks = breaks
    unknown = await client.post(path, json=body, headers=key)
    wired.line.breaks = None
    assert (unknown.status_code, unknown.json()["code"]) == (503, "database.outcome-unknown")
    assert unknown.json()["retryable"]
    first = await client.post(path, json=body, headers=key)
    assert first.status_code in {200, 201}, first.text
    assert ("Idempotency-Replayed" in first.headers) == (breaks is Break.AFTER)
    assert (await client.post(path, json=body, headers=key)).content == first.content
    assert await wired.trades() == (way in {"desk", "batch"})


async def test_everyone_in_a_batch_of_the_desk_hears_that_its_outcome_is_unknown(wired: Wired) -> None:
    keys = [{"Idempotency-Key": unique("desk")} for _ in range(5)]
    wired.line.breaks = Break.AFTER
    answers = await asyncio.gather(
        *(wired.buyer.post("/trades", json=wired.trade, headers=key) for key in keys)
    )
    wired.line.breaks = None
    assert {answer.json()["code"] for answer in answers} <= {
        "database.outcome-unknown",
        "database.unavailable",
    }
    unknown = sum(answer.json()["code"] == "database.outcome-unknown" for answer in answers)
    await wired.answering()
    assert await wired.trades() == unknown > 0
    again = [await wired.buyer.post("/trades", json=wired.trade, headers=key) for key in keys]
    assert [answer.status_code for answer in again] == [201] * 5
    assert await wired.trades() == 5


async def test_a_reading_whose_commit_breaks_has_no_outcome_to_know(wired: Wired) -> None:
    wired.line.breaks = Break.AFTER
    answer = await wired.buyer.get("/trades")
    assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")


async def test_what_is_not_being_posted_in_time_never_is(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    posted: list[Queued[Any]] = []

    async def post(_desk: Desk[Any, Any], batch: Sequence[Queued[Any]]) -> list[Queued[Any]]:
        for queued in batch:
            queued.posting = True
        posted.extend(batch)
        await gate.wait()
        return []

    monkeypatch.setattr(Desk, "_post_at_once", post)
    async with asyncio.timeout(PATIENCE_SECONDS):
        begun = [asyncio.create_task(wired.buyer.post("/trades", json=wired.trade)) for _ in range(POSTERS)]
        while len(posted) < POSTERS:  # noqa: ASYNC110 - the desk takes them in its own time
            await asyncio.sleep(0.01)
        last = await wired.buyer.post("/trades", json=wired.trade)
        answers = await asyncio.gather(*begun)
    assert {answer.json()["code"] for answer in answers} == {"database.outcome-unknown"}
    assert last.json()["code"] == "database.unavailable"
    gate.set()
    await asyncio.sleep(0.05)
    assert len(posted) == POSTERS


async def test_connections_that_broke_while_idle_are_replaced_before_anyone_notices(wired: Wired) -> None:
    await asyncio.gather(*(wired.buyer.get("/trades") for _ in range(4)))
    wired.line.cut()
    await asyncio.sleep(0.05)
    answers = await asyncio.gather(
        *(wired.buyer.get(path) for path in ("/trades", "/listings") for _ in "123")
    )
    assert {answer.status_code for answer in answers} == {200}


async def test_work_that_is_known_to_be_long_has_its_own_deadline(wired: Wired) -> None:
    slow = f"SELECT pg_sleep({SECONDS + 0.5})"
    async with wired.database.within(PATIENCE_SECONDS).plain_transaction() as connection:
        await connection.execute(slow)
    with pytest.raises(asyncpg.QueryCanceledError):
        await _again(wired.database, slow, 1)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):  # quick ones, but many
        await _again(wired.database, "SELECT pg_sleep(0.1)", 1000)


async def _again(database: Database, statement: str, times: int) -> None:
    async with database.connection() as connection:
        for _ in range(times):
            await connection.execute(statement)


def test_the_table_of_deadlines_names_every_long_route() -> None:
    every = [cast("APIRoute", route) for router in slices.routers() for route in router.routes]
    routes = {
        f"{method} {route.path}"
        for route in every
        if route.endpoint in patience.LONG
        for method in route.methods or ()
    }
    text = OPERATIONS.read_text(encoding="utf-8")
    assert len(routes) == len(patience.LONG) > 10
    assert {route for route in routes if f"`{route}`" not in text} == set()


async def test_a_large_body_buys_time_for_its_work(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def within(database: Database, seconds: int) -> Database:
        given.append(seconds)
        return database

    monkeypatch.setattr(Database, "within", within)
    assert (await wired.buyer.post("/trades/batch", json={"items": [wired.trade]})).status_code == 200
    assert given == []
    whole = await wired.buyer.post("/trades/batch", json={"items": [wired.trade] * 1000})
    assert whole.status_code == 200
    [seconds] = given
    assert seconds > SECONDS + 2


async def test_chores_and_pools_end_with_a_frozen_database(wired: Wired) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with kept_house(wired.database, wired.settings, lambda: NOON):
            wired.line.freeze()
            await asyncio.sleep(0.2)  # the first turns have begun, and wait
        asking = asyncio.create_task(wired.buyer.get("/listings"))
        await asyncio.sleep(0.05)
        await wired.database.close()
        assert (await asking).status_code == 503


@pytest.mark.parametrize("state", ["08006", "25006", "53100", "53300", "57P01", "57P02", "57P03", "58030"])
def test_a_server_that_is_going_full_or_read_only_is_away(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "so it is"})
    assert isinstance(translate(error, {}), DatabaseUnavailable)


async def test_a_write_that_meets_a_standby_is_503_and_reading_goes_on(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = db._server_settings(SECONDS)
    monkeypatch.setattr(db, "_server_settings", lambda _s: usual | {"default_transaction_read_only": "on"})
    standby = await Database(wired.line.url, 2, SECONDS).open()
    app = server.create_app(wired.settings, standby, read_clock=lambda: NOON)
    async with (
        client_of(app, wired.deal.buyer_account, NOON) as buyer,
        client_of(app, FINANCE, NOON) as finance,
    ):
        clients = {wired.buyer: buyer, wired.finance: finance}
        for client, path, body in [*wired.writes().values()] * 2:
            answer = await clients[client].post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
        assert (await buyer.get("/trades")).status_code == 200
    await standby.close()
