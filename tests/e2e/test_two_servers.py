"""Two servers in one URL, the standby named first: each connection finds the one that takes writes, also when that changes."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from datamarket.commands.main import app
from datamarket.foundation.db import ACQUIRE_SECONDS, CONNECT_SECONDS, Database, owner_connection
from datamarket.server import database as place
from loadtests.faults.cluster import Cluster, Standby, running_cluster
from loadtests.faults.restore import run_program
from tests.e2e.test_start import told

IN_RECOVERY = "SELECT pg_is_in_recovery()"
CAUGHT_UP = "SELECT replay_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication"
SLACK_SECONDS = 2
"""For a machine that does other things, too."""


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path / "first") as cluster:
        yield cluster


@pytest.fixture
def standby(primary: Cluster, tmp_path: Path) -> Iterator[Standby]:
    """It follows the primary."""
    copy = Standby(tmp_path / "second").make_from(primary.url)
    copy.start()
    yield copy
    copy.stop()


@pytest.fixture
def url(primary: Cluster, standby: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """As people write it, host:port,host:port; a folder of sockets is a host, too."""
    hosts = [f"{quote(one.url.partition('host=')[2], safe='')}:5432" for one in (standby, primary)]
    url = f"postgresql://postgres@{','.join(hosts)}/postgres?target_session_attrs=read-write"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATAMARKET_VAR", str(tmp_path / "var"))
    return url


async def standbys_met(database: Database) -> list[bool]:
    """By a session, a plain connection, and one beside the pools."""
    async with database.transaction(reading=True) as session:
        met = [bool((await (await session.connection()).execute(text(IN_RECOVERY))).scalar())]
    async with database.connection() as plain, database.connection_beside() as beside:
        return [*met, await plain.fetchval(IN_RECOVERY), await beside.fetchval(IN_RECOVERY)]


def reversed_hosts(url: str) -> str:
    before, _, rest = url.partition("@")
    hosts, slash, after = rest.partition("/")
    return f"{before}@{','.join(reversed(hosts.split(',')))}{slash}{after}"


async def test_each_connection_finds_who_takes_writes_and_a_frozen_server_is_not_waited_for(
    url: str, primary: Cluster, standby: Cluster
) -> None:
    migrated = await asyncio.to_thread(CliRunner().invoke, app, ["migrate"])
    assert migrated.exit_code == 0, migrated.output
    database = await Database(url, 1).open()
    assert not any(await standbys_met(database))
    async with owner_connection(url) as owner, asyncio.timeout(60):
        while not await owner.fetchval(CAUGHT_UP):
            await owner.execute("SELECT pg_sleep(0.05)")
    with primary.frozen():
        run_program([standby.program("pg_ctl"), "promote", f"--pgdata={standby.data}"], user=standby.owner)
        begun = time.monotonic()
        async with database.connection_beside() as beside:  # the frozen one served last, and is asked first
            assert not await beside.fetchval(IN_RECOVERY)
        assert 1 < time.monotonic() - begun < CONNECT_SECONDS + SLACK_SECONDS
        begun = time.monotonic()
        async with owner_connection(reversed_hosts(url)) as owner:
            assert not await owner.fetchval(IN_RECOVERY)
        assert 1 < time.monotonic() - begun < ACQUIRE_SECONDS + SLACK_SECONDS
    await database.close()


def test_where_none_takes_writes_a_command_waits_and_then_says_so(
    url: str, primary: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert url
    monkeypatch.setattr(place, "SETTLES_WITHIN", 1)
    primary.kill()
    begun = time.monotonic()
    assert "of its servers each is a standby, none takes writes" in told("check")[1]
    assert time.monotonic() > begun + 1
