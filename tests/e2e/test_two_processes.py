"""Two real processes on one database: what one remembers lives long, and ends when something is written through the other."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from loadtests.market import free_port
from tests.world import catalogue
from tests.world.people import enrol, unique

PATIENCE_SECONDS = 60
"""Of a test, on a machine however busy."""


@contextmanager
def serving(url: str, var: Path) -> Iterator[httpx.Client]:
    """A visitor of a server in a process of its own."""
    port = free_port()
    line = [sys.executable, "-m", "datamarket", "serve", "--port", str(port)]
    environment = os.environ | {"DATABASE_URL": url, "DATAMARKET_VAR": str(var)}
    process = subprocess.Popen(line, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1") as visitor:
            yield visitor
    finally:
        process.terminate()
        process.wait(30)


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def answers(visitor: httpx.Client) -> bool:
    try:
        return visitor.get("/listings").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def visitors(fresh_database: Database, tmp_path: Path) -> Iterator[list[httpx.Client]]:
    with ExitStack() as stack:
        both = [stack.enter_context(serving(fresh_database.url, tmp_path)) for _ in range(2)]
        for visitor in both:
            until(lambda visitor=visitor: answers(visitor))  # type: ignore[misc]
        yield both


async def test_what_one_process_remembers_ends_with_a_write_through_the_other(
    fresh_database: Database, visitors: list[httpx.Client], tmp_path: Path
) -> None:
    async with fresh_database.transaction() as session:
        listed = await catalogue.published_listing(session)
    await enrol(fresh_database, listed.account)
    writer, reader = visitors
    path = f"/listings/{listed.listing.id}"
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("SET session_replication_role = replica")  # its triggers sleep: nobody is told

    async def remembered_for_long() -> bool:
        known, fresh = reader.get(path).json()["name_en"], unique("untold")
        await owner.execute("UPDATE listing SET name_en = $1", fresh)
        await asyncio.sleep(1.2)
        return bool(reader.get(path).json()["name_en"] == known)

    ends = time.monotonic() + PATIENCE_SECONDS
    while not await remembered_for_long():
        assert time.monotonic() < ends
    await owner.close()
    settings = Settings(var=tmp_path)
    token = TokenKeeper(load_key(settings), settings).sign(listed.account, now=read_clock())
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": unique("suspend")}
    moved = writer.post(f"{path}/events", json={"event": "suspend"}, headers=headers)
    assert moved.status_code == 200, moved.text
    await asyncio.sleep(1)
    assert [visitor.get(path).status_code for visitor in visitors] == [404, 404]
