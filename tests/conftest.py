"""One real PostgreSQL for all tests: the embedded one, `DATABASE_URL`, or Citus (`CITUS_URL`); one database per worker."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import hypothesis
import pytest
import pytest_asyncio
from fastapi import FastAPI
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]
from greenlet._greenlet import enable_optional_cleanup  # type: ignore[import-untyped]

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Connection, Database, owner_connection, with_database
from datamarket.foundation.ids import new_id, seeded_ids
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.app import create_app
from datamarket.server.embedded import embedded_server
from datamarket.simulation.city import Loader
from tests.world import citus
from tests.world.books import assert_books_still_hold, auditing
from tests.world.document import held_to_the_document
from tests.world.people import NOON, enrol, moment

BESIDE_THE_ROOMS = {"architecture", "cases", "concurrency", "e2e", "migrations", "pages", "property", "world"}
"""Folders of `tests/` that are no slices; every other is named as one, and so are the folders in it."""
HERE = Path(__file__).parent
LONG = {
    "test_hot_plans.py",
    "test_market_year.py",
    "test_openapi_fuzz.py",
    "test_sealing.py",
    "test_settled_year.py",
    "test_strangers.py",
}
"""Half a minute and more each."""
_kept: list[greenlet] = []


def _keep_greenlet(*_: object) -> None:
    """Coverage knows threads by their greenlets. One that goes with its thread is forgotten in a pending call, and there
    a traced function of CPython 3.11 waits for ever when a second thread ends: so each is kept, and not looked for, as
    that search imports a module in whatever frame it interrupts.
    """
    _kept.append(getcurrent())
    sys.setprofile(None)


threading.setprofile(_keep_greenlet)
enable_optional_cleanup(False)
hypothesis.settings.register_profile(
    "market", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("market")  # how quick a shared machine is proves nothing
Made = TypeVar("Made")
OLDEST = 150_000
"""As `server_version_num` counts: the market runs on PostgreSQL 15 and later."""
_SERVER = """
SELECT current_setting('server_version_num')::int,
       format('PostgreSQL %s, messages %s, collation %s', current_setting('server_version'),
              current_setting('lc_messages'), datcollate)
  FROM pg_database WHERE datname = current_database()
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    """A given server is named before anything runs on it; one that is too old is refused."""
    gc.disable()  # what is imported until the tests begin stays
    given = os.environ.get("DATABASE_URL")
    if given and not hasattr(session.config, "workerinput"):
        number, told = asyncio.run(server_told(given))
        if number < OLDEST:
            pytest.exit(f"{told}: 15 or later is needed", returncode=2)
        sys.stderr.write(f"on {told}\n")


def pytest_report_header() -> str:
    """Whether it is known of this run that the market works on Citus."""
    return (
        f"citus: {len(citus.nodes())} nodes"
        if citus.URL
        else "citus: not run on it, CITUS_URL names no nodes"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there when the tests begin is looked at by no collection any more, and what they leave less often."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: else one worker has it left at the end, and the other has nothing."""
    items.sort(key=lambda item: item.path.name not in LONG)


async def server_told(url: str) -> tuple[int, str]:
    """The version of a server as a number, and what tells it from others."""
    connection = await asyncpg.connect(url)
    try:
        number, told = await connection.fetchrow(_SERVER) or (0, url)
    finally:
        await connection.close()
    return number, told


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A server's URL, naming a database that can be connected to."""
    given = citus.server() if citus.URL else os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if worker_id != "master" else root
    server = embedded_server(shared / "postgres")
    asyncio.run(unhurried_disk(server.get_uri()))
    yield server.get_uri()
    server.cleanup()


async def unhurried_disk(url: str) -> None:
    """No test of this server cuts its power (loadtests/faults does, of servers of its own): it waits for no disk."""
    connection = await asyncpg.connect(url)
    try:
        for setting in ("fsync", "full_page_writes"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="session")
async def database_url(server_url: str, worker_id: str) -> AsyncIterator[str]:
    """This worker's own database, migrated; of it as it is now, empty, each that a test wants for itself is a copy."""
    name, empty = f"datamarket_test_{worker_id}", empty_of(worker_id)
    for made in (name, empty):
        await dropped(server_url, made)
    if citus.URL:
        await citus.make_city(empty)
    else:
        await migrate(await create_database(server_url, empty))
    yield await copied(server_url, empty, name)
    for made in (name, empty):
        await dropped(server_url, made)


@pytest_asyncio.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """Shared by a worker's tests: each makes its own participants, and assumes nothing of others."""
    opened = await Database(database_url, 8).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def fresh_database(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[Database]:
    """A database of one test's own, for what looks at the whole market."""
    async with own_database(server_url, worker_id) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def module_database(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[Database]:
    """A database of one module's own, for tests that leave it as they found it."""
    async with own_database(server_url, worker_id) as opened:
        yield opened


def empty_of(worker_id: str) -> str:
    return f"datamarket_empty_{worker_id}"


async def copied(server_url: str, empty: str, name: str) -> str:
    """The URL of a copy: migrating takes seven times as long (0.9 s)."""
    if citus.URL:
        return await citus.copy_city(empty, name)
    async with owner_connection(server_url) as connection:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{empty}"')
    return with_database(server_url, name)


async def dropped(server_url: str, name: str) -> None:
    await (citus.drop_city(name) if citus.URL else drop_database(server_url, name))


@asynccontextmanager
async def own_database(
    server_url: str, worker_id: str, template: str | None = None
) -> AsyncIterator[Database]:
    """A copy, empty unless it is of another database; open, and gone afterwards."""
    name = f"datamarket_fresh_{worker_id}_{new_id(moment()).hex[-8:]}"
    opened = await Database(await copied(server_url, template or empty_of(worker_id), name), 8).open()
    yield opened
    await opened.close()
    await dropped(server_url, name)


@asynccontextmanager
async def made_once(
    server_url: str, worker_id: str, what: str, make: Callable[[Database], Awaitable[Made]]
) -> AsyncIterator[tuple[str, Made]]:
    """The name of a database to be copied by each test that begins with what is made in it, and that."""
    name = f"datamarket_{what}_{worker_id}"
    await dropped(server_url, name)
    opened = await Database(await copied(server_url, empty_of(worker_id), name), 8).open()
    made = await make(opened)
    await opened.close()
    yield name, made
    await dropped(server_url, name)


@pytest_asyncio.fixture(scope="session")
async def city_template(
    server_url: str,
    database_url: str,
    worker_id: str,
    seed_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[str]:
    """The name of a database that holds the seed's city, loaded once a worker."""
    papers = tmp_path_factory.mktemp("papers")

    async def load(loading: Database) -> None:
        with seeded_ids(1):
            await Loader(loading, seed_folder, papers, "a password of the tests", lambda *_: None).load()

    async with made_once(server_url, worker_id, "city", load) as (name, _):
        yield name


@pytest_asyncio.fixture(scope="module")
async def city(server_url: str, city_template: str, worker_id: str) -> AsyncIterator[Database]:
    """The seed's city, a copy of the module's own."""
    async with own_database(server_url, worker_id, city_template) as opened:
        yield opened


def touches_the_books(item: pytest.Item) -> bool:
    """Every race and every whole journey; every test of a room that comes near a database, and each of a `test_api.py`."""
    folder = item.path.relative_to(HERE).parts[0]
    if folder in BESIDE_THE_ROOMS:
        return folder in {"concurrency", "e2e"}
    return item.path.name == "test_api.py" or "server_url" in getattr(item, "fixturenames", ())


@pytest_asyncio.fixture(scope="session")
async def auditor(database_url: str) -> AsyncIterator[Connection]:
    async with auditing(database_url) as connection:
        yield connection


@pytest_asyncio.fixture
async def books_hold(auditor: Connection, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The invariants hold after the test; those that read every event, after the last one of its file."""
    yield
    last = last_of_files(tuple(request.session.items))[request.node.path] == request.node.nodeid
    await assert_books_still_hold(auditor, whole=last)


@cache
def last_of_files(items: tuple[pytest.Item, ...]) -> dict[Path, str]:
    return {item.path: item.nodeid for item in items if touches_the_books(item)}


@pytest.fixture(autouse=True)
def books_hold_afterwards(request: pytest.FixtureRequest) -> None:
    if touches_the_books(request.node):
        request.getfixturevalue("books_hold")


@pytest_asyncio.fixture
async def superuser(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that no privilege holds back."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        var=tmp_path_factory.mktemp("var"),
        rate_limit="100000/second",
        sign_in_limit="10000/minute",
        requests_at_once=1000,
        log_requests=False,
    )


@pytest.fixture(scope="session")
def app(settings: Settings, database: Database) -> FastAPI:
    """The application, its clock standing at NOON."""
    return create_app(settings, database, read_clock=lambda: NOON)


Client = httpx.AsyncClient
ClientFor = Callable[[Actor | None], Client]


@pytest_asyncio.fixture
async def client_for(app: FastAPI) -> AsyncIterator[ClientFor]:
    """A client that acts for an actor, or a visitor; each write gets a fresh key unless it names one."""
    clients: list[Client] = []

    def make(actor: Actor | None) -> Client:
        client = client_of(app, actor, NOON)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


def client_of(app: FastAPI, actor: Actor | None, now: datetime) -> Client:
    headers = {"Accept-Language": "en"}
    if actor is not None:
        headers["Authorization"] = f"Bearer {app.state.tokens.sign(actor, now=now)}"

    known: set[Actor] = set()

    async def add_key(request: httpx.Request) -> None:
        if request.method in {"POST", "PATCH"}:
            if actor is not None and actor not in known:
                known.add(actor)
                with suppress(
                    OSError, asyncpg.InterfaceError, asyncpg.PostgresError
                ):  # a test that stops the database enrols before
                    await enrol(app.state.database, actor)
            request.headers.setdefault("Idempotency-Key", new_id(moment()).hex)

    return Client(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://market/api/v1",
        headers=headers,
        event_hooks={"request": [add_key], "response": [held_to_the_document(app)]},
    )


@pytest.fixture(scope="session")
def seed_folder() -> Path:
    return Path(__file__).parents[1] / "seed"
