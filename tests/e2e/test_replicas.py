"""A streaming replica answers what may lag, never who has just written; held back or killed, nobody hears of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from prometheus_client import REGISTRY

from datamarket.foundation.db import Database, with_database
from datamarket.foundation.replicas.lagging import LAGGING, Replica
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, migrate
from datamarket.server.app import create_app
from datamarket.server.following import following
from loadtests.faults.cluster import Cluster, Standby, running_cluster
from tests.conftest import client_of
from tests.participants.test_api import application
from tests.world.books import assert_books_hold
from tests.world.people import AUDITOR, AUTHORITY, NOON

MAY_LAG = {
    "GET /api/v1/listings",
    "GET /api/v1/listings/facets",
    "GET /api/v1/listings/{listing_id}",
    "GET /api/v1/statistics/overview",
    "GET /api/v1/statistics/turnover",
    "GET /api/v1/statistics/league-table",
    "GET /api/v1/subsidy/awards",
    "GET /api/v1/audit-events",
    "GET /api/v1/evidence/checkpoints",
    "GET /api/v1/evidence/checkpoints/latest",
    "GET /api/v1/evidence/checkpoints/latest/note",
    "GET /api/v1/evidence/proofs/{row_id}",
    "GET /api/v1/evidence/consistency",
}
"""The one table; `docs/scale.md` repeats it."""
SECONDS = 60


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Cluster]:
    """A server of the test's own, whatever the others run on: the wheel's programs copy the wheel's server."""
    with running_cluster(tmp_path / "primary", fsync="off") as cluster:
        yield cluster


@pytest_asyncio.fixture
async def market(primary: Cluster) -> AsyncIterator[Database]:
    """A new market on it, in which the books hold at the end."""
    url = await create_database(primary.url, "market")
    await migrate(url)
    opened = await Database(url, 4).open()
    yield opened
    await opened.close()
    await assert_books_hold(url)


@pytest.fixture
def standby(primary: Cluster, market: Database, tmp_path: Path) -> Iterator[Standby]:
    """A base of that server, held back by ten seconds; it is not started yet."""
    assert market
    copy = Standby(tmp_path / "standby", recovery_min_apply_delay="10s", fsync="off").make_from(primary.url)
    yield copy
    copy.stop()


def app_beside(settings: Settings, database: Database, standby: Standby) -> FastAPI:
    url = with_database(standby.url, urlsplit(database.url).path[1:])
    return create_app(settings.model_copy(update={"replica_url": url}), database, read_clock=lambda: NOON)


@asynccontextmanager
async def followed(app: FastAPI) -> AsyncIterator[Replica]:
    replica: Replica = app.state.replica
    async with following(replica, app.state.database, app.state.heard):
        yield replica


async def near(replica: Replica, since: int = 0) -> None:
    async with asyncio.timeout(SECONDS):
        while replica.as_of is None or replica.as_of.at < since:  # noqa: ASYNC110 - another task finds out
            await asyncio.sleep(0.02)


def answered(by: str) -> float:
    return REGISTRY.get_sample_value("datamarket_replica_reads_total", {"by": by}) or 0


async def told(reader: httpx.AsyncClient, registration: str) -> tuple[bool, str]:
    """Whether the registration is told of, and who answered that."""
    before = answered("replica")
    answer = await reader.get(f"/audit-events?subject={registration}")
    assert answer.status_code == 200
    return bool(answer.json()["items"]), "replica" if answered("replica") > before else "primary"


async def registered(writer: httpx.AsyncClient) -> str:
    made = await writer.post("/participants", json=application())
    assert made.status_code == 201
    return str(made.json()["id"])


def test_the_document_says_which_routes_may_lag(app: FastAPI) -> None:
    told = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if operation.get("x-may-lag")
    }
    assert told == MAY_LAG
    assert len(LAGGING) == len(MAY_LAG)
    assert app.state.replica is None, "as it is without DATABASE_REPLICA_URL"


async def test_a_replica_that_is_held_back_answers_all_but_who_has_written_until_it_is_too_late(
    settings: Settings, market: Database, standby: Standby
) -> None:
    app = app_beside(settings, market, standby)
    writer, reader = client_of(app, AUTHORITY, NOON), client_of(app, AUDITOR, NOON)
    first = await registered(writer)
    standby.start()
    async with followed(app) as replica:
        assert replica.limit_seconds == 5
        replica.limit_seconds = 3600
        await near(replica)
        assert await told(reader, first) == (True, "replica")
        second = await registered(writer)
        assert await told(writer, second) == (True, "primary"), "who has written reads it"
        assert await told(reader, second) == (False, "replica"), "anybody else may read what was"
        written = time.monotonic_ns()
        replica.limit_seconds = 0
        assert await told(reader, second) == (True, "primary"), "beyond the limit"
        replica.limit_seconds = 3600
        await near(replica, since=written)
        assert await told(writer, second) == (True, "replica"), "it has caught up"


async def test_a_replica_that_is_killed_is_no_error_and_comes_back(
    settings: Settings, market: Database, standby: Standby
) -> None:
    app = app_beside(settings, market, standby)
    reader, last = client_of(app, AUDITOR, NOON), await registered(client_of(app, AUTHORITY, NOON))
    standby.start()
    async with followed(app) as replica:
        replica.limit_seconds = 3600
        await near(replica)
        assert await told(reader, last) == (True, "replica")
        known, again = replica.as_of, answered("primary-again")
        standby.kill()
        replica.as_of = known  # the news has not come yet: a request finds out
        assert (await told(reader, last))[0]
        assert (answered("primary-again"), replica.as_of) == (again + 1, None)
        assert await told(reader, last) == (True, "primary")
        killed = time.monotonic_ns()
        standby.start()
        await near(replica, since=killed)
        assert await told(reader, last) == (True, "replica")
