"""Bring a database to the newest schema; several processes may try at once."""

from contextlib import suppress
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from datamarket.foundation.db import owner_connection, with_database
from datamarket.foundation.errors import Conflict
from datamarket.migrations.scripts import apply_functions

FOLDER = Path(__file__).parent
_MIGRATION_LOCK = 37020001
_YEARS_AHEAD = 5
_PARTITIONS = text("""
SELECT ledger_make_partitions(2020, greatest(2039, this_year + :ahead))
  FROM (SELECT extract(year FROM now() AT TIME ZONE 'Asia/Shanghai')::integer AS this_year) AS calendar
""")


class SchemaIsNewer(Conflict):
    code = "database.newer"
    zh = "数据库结构（{found}）比本程序新，本程序未作任何更改；请使用更新的程序，或恢复升级前的备份。"
    en = "The schema of the database ({found}) is newer than this program, which changed nothing. Use a newer program, or a backup made before the upgrade."


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
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
            await connection.run_sync(apply_functions)
            await connection.execute(_PARTITIONS, {"ahead": _YEARS_AHEAD})
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        raise SchemaIsNewer(found=", ".join(sorted(newer)))
    command.upgrade(config, "head")
