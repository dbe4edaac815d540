"""Racing writers lose no row to the sealer, and racing sealers seal no row twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest_asyncio

from datamarket.evidence import actions as evidence
from datamarket.evidence.log.sealing import await_watermark
from datamarket.evidence.log.verification import one_snapshot, verify
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.ids import new_id
from tests.world.books import assert_books_hold
from tests.world.people import AUDITOR, moment
from tests.world.sealing import log_of, sealer_in


@pytest_asyncio.fixture
async def writers(fresh_database: Database) -> AsyncIterator[list["asyncpg.Connection[asyncpg.Record]"]]:
    opened = [await asyncpg.connect(fresh_database.url) for _ in range(2)]
    yield opened
    for connection in opened:
        await connection.close()


async def write(connection: Connection) -> None:
    await evidence.record_many(
        connection,
        "test.write",
        "thing",
        [evidence.Event(AUDITOR, new_id(moment()), {"何": 1})],
        now=moment(),
    )


async def sealed(database: Database) -> set[UUID]:
    async with database.connection() as connection:
        return {row["id"] for row in await connection.fetch("SELECT id FROM seal_leaf")}


async def written(database: Database) -> set[UUID]:
    async with database.connection() as connection:
        return {row["id"] for row in await connection.fetch("SELECT id FROM audit_event")}


async def test_who_commits_late_is_sealed_all_the_same_and_by_id_would_have_been_lost(
    fresh_database: Database, writers: list["asyncpg.Connection[asyncpg.Record]"], tmp_path: Path
) -> None:
    early, late = writers
    sealer = sealer_in(tmp_path)
    held = late.transaction()
    await held.start()
    await write(late)  # the lower id, the lower transaction; not committed
    await write(early)
    by_id = await written(fresh_database)  # what a sealer that goes by ids would take now
    assert await sealer.seal(fresh_database, now=moment()) == 0, (
        "the watermark stands at the one still running"
    )
    await held.commit()
    after_last_id = {one for one in await written(fresh_database) if one > max(by_id)}
    assert after_last_id == set(), "and by id it would never come back to the one that committed late"
    assert by_id | after_last_id != await written(fresh_database)
    await await_watermark(fresh_database)
    assert await sealer.seal(fresh_database, now=moment()) == 2
    assert await sealed(fresh_database) == await written(fresh_database)


async def test_writers_and_sealers_at_once_lose_nothing_and_seal_nothing_twice(
    fresh_database: Database, tmp_path: Path
) -> None:
    sealer = sealer_in(tmp_path)
    stop = asyncio.Event()

    async def keep_writing() -> None:
        for turn in range(25):
            async with fresh_database.plain_transaction() as connection:
                for _ in range(1 + turn % 3):
                    await write(connection)
                    await asyncio.sleep(0.001 * (turn % 4))

    async def keep_sealing() -> int:
        leaves = 0
        while not stop.is_set():
            leaves += await sealer.seal(fresh_database, now=moment(), rows=7)
        return leaves

    sealers = [asyncio.create_task(keep_sealing()) for _ in range(2)]
    await asyncio.gather(*(keep_writing() for _ in range(4)))
    stop.set()
    leaves = sum(await asyncio.gather(*sealers))
    await await_watermark(fresh_database)
    while added := await sealer.seal(fresh_database, now=moment(), rows=7):
        leaves += added
    rows = await written(fresh_database)
    assert leaves == len(rows) == len(await sealed(fresh_database))
    async with one_snapshot(fresh_database.url, 2) as connections:
        report = await verify(connections, log_of(sealer), {})
    assert report.holds, report.findings
    assert report.leaves == leaves
    await assert_books_hold(fresh_database.url)


async def test_a_transaction_larger_than_a_pass_is_sealed_wholly_and_the_rest_later(
    fresh_database: Database, tmp_path: Path
) -> None:
    sealer = sealer_in(tmp_path)
    for many in (3, 40, 2):
        async with fresh_database.plain_transaction() as connection:
            for _ in range(many):
                await write(connection)
    await await_watermark(fresh_database)
    passes = []
    while added := await sealer.seal(fresh_database, now=moment(), rows=10):
        passes.append(added)
    assert passes == [3, 40, 2]
    assert await sealed(fresh_database) == await written(fresh_database)
