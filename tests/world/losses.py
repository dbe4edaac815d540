"""A market that goes on after a copy of it was taken: what a standby, or a backup, lacks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from datamarket.evidence import actions as evidence
from datamarket.evidence.losses.positions import PositionKeeper
from datamarket.foundation.db import Database, owner_connection, with_database
from datamarket.foundation.ids import new_id
from datamarket.migrations.apply import drop_database
from datamarket.server.sealing import seal_all
from tests.world.people import AUDITOR, FINANCE, moment
from tests.world.sealing import sealer_in, settings_in

PEOPLE = [("auditor", AUDITOR), ("finance", FINANCE)]


async def noted(database: Database) -> UUID:
    """One event, which is a row to seal; its id."""
    async with database.plain_transaction() as connection:
        event = evidence.Event(AUDITOR, new_id(moment()), {})
        await evidence.record_many(connection, "test.note", "thing", [event], now=moment())
        row: UUID = await connection.fetchval(
            "SELECT id FROM audit_event WHERE subject_id = $1", event.subject_id
        )
    return row


async def sealed(database: Database, var: Path) -> None:
    await seal_all(database, settings_in(var), moment)


async def positioned(database: Database, var: Path) -> bool:
    return await PositionKeeper(sealer_in(var)).keep(database, now=moment())


@asynccontextmanager
async def copy_of(database: Database) -> AsyncIterator[Database]:
    """The database as it is now, under another name on the same server; gone at the end."""
    await database.close()
    source = urlsplit(database.url).path.removeprefix("/")
    url = with_database(database.url, f"{source}_{new_id(moment()).hex[-6:]}")
    async with owner_connection(with_database(database.url, "postgres")) as server:
        await server.execute(f'CREATE DATABASE "{urlsplit(url).path[1:]}" TEMPLATE "{source}"')
    await database.open()
    copied = await Database(url, 2).open()
    try:
        yield copied
    finally:
        await copied.close()
        await drop_database(with_database(database.url, "postgres"), urlsplit(url).path[1:])
