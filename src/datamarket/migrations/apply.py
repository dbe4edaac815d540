"""Bring a database to the newest schema; several processes may try at once."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from datamarket.foundation.db import ACQUIRE_SECONDS, owner_connection, with_database
from datamarket.foundation.waiting.servers import DIALECT, Servers
from datamarket.migrations.scripts import apply_functions

VERSIONS = Path(__file__).parent / "versions"
_MIGRATION_LOCK = 37020001
_YEARS_AHEAD = 5
_PARTITIONS = text("""
SELECT ledger_make_partitions(2020, greatest(2039, this_year + :ahead))
  FROM (SELECT extract(year FROM now() AT TIME ZONE 'Asia/Shanghai')::integer AS this_year) AS calendar
""")


def newest_revision() -> str:
    """By the names of their files, each of which begins with its number."""
    return max(path.name for path in VERSIONS.glob("[0-9]*.py")).partition("_")[0]


async def create_database(server_url: str, name: str) -> str:
    """The URL of the database `name` on the server, made when it is not there."""
    another_was_faster = suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError)
    async with owner_connection(server_url) as connection:
        with another_was_faster:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    return with_database(server_url, name)


async def drop_database(server_url: str, name: str) -> None:
    """Remove one database and all connections to it; nothing when it is not there."""
    async with owner_connection(server_url) as connection:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def migrate(url: str) -> None:
    """Apply what is missing, as the owner of the database and in one transaction. Raises SchemaIsNewer.

    Tables first, then functions and triggers, then partitions of the books for the years ahead.
    """
    connect = partial(Servers.of(url).connect, seconds=ACQUIRE_SECONDS)
    engine = create_async_engine(DIALECT, async_creator=connect)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            if await _revision(connection) != newest_revision():
                from datamarket.migrations.upgrade import upgrade  # noqa: PLC0415 - Alembic is 8 MiB

                await connection.run_sync(upgrade)
            await connection.run_sync(apply_functions)
            await connection.execute(_PARTITIONS, {"ahead": _YEARS_AHEAD})
    finally:
        await engine.dispose()


async def _revision(connection: AsyncConnection) -> str | None:
    """At which the database is; none when it is empty."""
    if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar() is None:
        return None
    found: str | None = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    return found
