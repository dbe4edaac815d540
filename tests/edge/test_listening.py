"""A process hears what others change: what it remembers lives until then, and never when it may have missed something."""

import ast
import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

import datamarket
from datamarket.catalogue.search import queries
from datamarket.edge import remembered
from datamarket.edge.remembered import Heard
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server import listening as module
from datamarket.server.app import create_app
from datamarket.server.listening import CHANNEL, listening
from datamarket.server.sealing import chore_of
from tests.catalogue.steps import move
from tests.conftest import ClientFor, client_of
from tests.world import catalogue, orders, trading
from tests.world.catalogue import Listed
from tests.world.line import Line, line_to
from tests.world.people import NOON, enrol, moment

PATIENCE_SECONDS = 20
"""Of a test, on a machine however busy."""
SECONDS = 2
"""The deadline of a request here."""
SOURCE = Path(datamarket.__path__[0])
Superuser = asyncpg.Connection


class Beside(Database):
    """Knows the process of the server that its listening connection talks to."""

    listener = 0
    reachable = True

    @asynccontextmanager
    async def connection_beside(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        if not self.reachable:
            raise ConnectionRefusedError
        async with super().connection_beside() as connection:
            self.listener = connection.get_server_pid()
            yield connection


@dataclass
class Other:
    """Another process of the market, at the end of a line to the same database; what it shows of one listing."""

    line: Line
    database: Beside
    heard: Heard
    visitor: httpx.AsyncClient
    listed: Listed
    readings: list[float]

    async def status(self) -> int:
        return (await self.visitor.get(f"/listings/{self.listed.listing.id}")).status_code

    async def gives_again(self, after: float = 0) -> None:
        """Until the listing is shown, and not read, so many seconds after it was last read."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                known = len(self.readings)
                assert await self.status() == 200
                if len(self.readings) == known and time.monotonic() > self.readings[-1] + after:
                    return
                await asyncio.sleep(0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def other(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Other]:
    readings: list[float] = []
    find = queries.find_listing

    async def counted(*given: object) -> object:
        readings.append(time.monotonic())
        return await find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "find_listing", counted)
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(line_to(database.url))
        elsewhere = Beside(line.url, 2, SECONDS)
        await elsewhere.open()
        stack.push_async_callback(elsewhere.close)
        stack.callback(line.thaw)
        app = create_app(settings, elsewhere)
        await stack.enter_async_context(listening(elsewhere, app.state.heard))
        visitor = await stack.enter_async_context(client_of(app, None, NOON))
        yield Other(line, elsewhere, app.state.heard, visitor, listed, readings)


@pytest.mark.parametrize(
    ("table", "column"), [("listing", "id"), ("product_version", "product_id"), ("venue", "id")]
)
async def test_an_answer_lives_until_another_program_writes_to_a_table_that_it_shows(
    other: Other, superuser: "Superuser[asyncpg.Record]", table: str, column: str
) -> None:
    listing = other.listed.listing
    named = {"listing": listing.id, "product_version": listing.product_id, "venue": listing.venue_id}
    await other.gives_again(after=1)
    before = other.heard.changes
    await superuser.execute(f"UPDATE {table} SET {column} = {column} WHERE {column} = $1", named[table])  # noqa: S608 - of this test
    await until(lambda: other.heard.changes > before)
    read = len(other.readings)
    assert await other.status() == 200
    assert len(other.readings) == read + 1


async def test_a_listing_that_another_process_suspends_is_gone_within_a_second(
    other: Other, client_for: ClientFor
) -> None:
    await other.gives_again(after=1)
    await move(client_for(other.listed.account), f"/listings/{other.listed.listing.id}", "suspend")
    await asyncio.sleep(1)
    assert await other.status() == 404


async def test_a_write_of_the_same_process_that_shows_nobody_anything_ends_nothing(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.gives_again(after=1)
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 600_000)
    read = len(other.readings)
    for _ in range(3):
        async with other.database.transaction():
            pass
        await until(lambda: other.heard.writes == other.database.writes)
        assert await other.status() == 200
    assert len(other.readings) == read


@pytest.mark.parametrize("how", ["killed", "silent"])
async def test_who_does_not_hear_gives_nothing_after_a_second(
    other: Other, client_for: ClientFor, superuser: "Superuser[asyncpg.Record]", how: str
) -> None:
    await other.gives_again(after=1)
    if how == "silent":
        other.line.freeze()
    else:
        other.database.reachable = False
        await superuser.execute("SELECT pg_terminate_backend($1, 5000)", other.database.listener)
    await move(client_for(other.listed.account), f"/listings/{other.listed.listing.id}", "suspend")
    await asyncio.sleep(1)
    assert await other.status() == (503 if how == "silent" else 404)


@pytest.mark.parametrize("how", ["killed", "silent"])
async def test_what_changed_while_nobody_listened_is_read_again_by_who_listens_anew(
    other: Other,
    client_for: ClientFor,
    superuser: "Superuser[asyncpg.Record]",
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    await other.gives_again(after=1)
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 600_000)
    first = other.database.listener
    if how == "silent":
        other.line.freeze()
        await asyncio.sleep(1.5)
    else:
        await superuser.execute("SELECT pg_terminate_backend($1, 5000)", first)
    await move(client_for(other.listed.account), f"/listings/{other.listed.listing.id}", "suspend")
    other.line.thaw()
    now = time.monotonic_ns()
    await until(lambda: other.heard.at > now)
    assert other.database.listener != first
    assert await other.status() == 404


def tasks() -> list[str]:
    """What runs in the background, by the names of its functions."""
    return [getattr(task.get_coro(), "__name__", "") for task in asyncio.all_tasks()]


async def test_listening_begins_and_ends_with_the_application(
    database: Database, settings: Settings, superuser: "Superuser[asyncpg.Record]"
) -> None:
    mine = Beside(database.url, 2, SECONDS)
    app = create_app(settings, mine)
    async with app.router.lifespan_context(app):
        await until(lambda: app.state.heard.at > 0)
        assert tasks().count("_listen") == 1
    assert tasks().count("_listen") == 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await superuser.fetchval("SELECT 1 FROM pg_stat_activity WHERE pid = $1", mine.listener):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.01)


async def test_no_hot_path_tells_anybody(
    database: Database, settings: Settings, superuser: "Superuser[asyncpg.Record]"
) -> None:
    deal = await trading.active_contract(database)
    told: list[object] = []
    await superuser.add_listener(CHANNEL, lambda *given: told.append(given))
    sold = await trading.trade(database, deal)
    await trading.sell_under_key(database, deal, str(sold.id))
    await trading.used(database, deal)
    await trading.refund(database, deal, sold.id)
    await trading.deposit(database, deal.buyer.id)
    await orders.placed(database, deal)
    await enrol(database, deal.buyer_account)
    await chore_of(settings)(database, trading.LEDGER_ID, moment())
    async with database.transaction() as session:
        await catalogue.venue(session)
    await until(lambda: bool(told))
    assert len(told) == 1


TELLING = "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgfoid = 'tell_shown'::regproc AND tgtype & {all} = {all}"
ALL_WRITES = 4 | 8 | 16 | 32
"""INSERT, DELETE, UPDATE, TRUNCATE: bits of pg_trigger.tgtype."""
READ = "SELECT relname, seq_scan + coalesce(idx_scan, 0) AS scans FROM pg_stat_user_tables"
GIVERS = {"catalogue/search/api.py", "edge/operations.py"}
"""Who answers for everyone; what each reads is asked for below."""


async def test_every_table_that_an_answer_for_everyone_is_read_from_tells(
    fresh_database: Database, settings: Settings
) -> None:
    async with fresh_database.transaction() as session:
        listed = await catalogue.published_listing(session)
    connection = await asyncpg.connect(fresh_database.url)
    one = await Database(fresh_database.url, 1).open()

    async def scans() -> dict[str, int]:
        async with one.connection() as plain:
            await plain.execute("SELECT pg_stat_force_next_flush()")
        return {row["relname"]: row["scans"] for row in await connection.fetch(READ)}

    before = await scans()
    asked = ("", "?text=w", "?category=ocean", "?sort=price_asc&limit=1", f"/{listed.listing.id}")
    async with client_of(create_app(settings, one), None, NOON) as visitor:
        for path in asked:
            assert (await visitor.get(f"/listings{path}")).status_code == 200, path
        assert (await visitor.get("http://market/health/live")).status_code == 200
    read = {name for name, number in (await scans()).items() if number > before.get(name, 0)}
    tell = {row["name"] for row in await connection.fetch(TELLING.format(all=ALL_WRITES))}
    await one.close()
    await connection.close()
    assert read == tell == {"listing", "product_version", "venue"}


def test_no_other_module_answers_for_everyone() -> None:
    named = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.alias)
        and (node.id if isinstance(node, ast.Name) else node.name) == "ForEveryone"
    }
    assert named - {"foundation/http.py", "edge/remembered.py"} == GIVERS
