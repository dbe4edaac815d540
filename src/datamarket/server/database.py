"""Where a command works: which server, which database, brought to the newest schema."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from datamarket import slices
from datamarket.foundation.db import owner_connection, with_database
from datamarket.foundation.errors import Conflict
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.embedded import embedded_server

DEMO_MARK = "datamarket demo: rebuilt by every `datamarket demo`"
DEMO_DATABASE = "datamarket_demo"


class NotADemo(Conflict):
    code = "demo.not-a-demo"
    zh = "数据库“{name}”中已有非演示数据，演示不会覆盖它；请用 DATAMARKET_DATABASE_NAME 另指定数据库名。"
    en = "The database '{name}' holds data that no demo made; it is left alone. Name another: DATAMARKET_DATABASE_NAME."


@dataclass(frozen=True)
class MarketDatabase:
    """A migrated database and the settings it is used with."""

    url: str
    name: str
    settings: Settings


@contextmanager
def _server(settings: Settings) -> Iterator[str]:
    """The URL of a server: the given one, or the embedded one for as long as the command runs."""
    slices.files("tables")  # rows name rows of other rooms: each must be known before the first is written
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded_server(settings.server_folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def opened_database() -> Iterator[MarketDatabase]:
    """The market's database, made and migrated when needed."""
    settings = Settings()
    with _server(settings) as server_url:
        if settings.database_url:
            url, name = server_url, server_url.rsplit("/", 1)[-1].split("?")[0]
        else:
            name = settings.database_name
            url = asyncio.run(create_database(server_url, name))
        asyncio.run(migrate(url))
        yield MarketDatabase(url, name, settings)


@contextmanager
def rebuilt_database() -> Iterator[MarketDatabase]:
    """The demo's own database, made anew. Raises NotADemo rather than drop what no demo made."""
    settings = Settings()
    with _server(settings) as server_url:
        name = DEMO_DATABASE if settings.database_url else settings.database_name
        url = asyncio.run(_rebuild(server_url, name))
        if not settings.database_url:  # checkpoints of the demo that is gone would contradict the new one
            shutil.rmtree(settings.checkpoints / str(settings.ledger_id), ignore_errors=True)
        yield MarketDatabase(url, name, settings)


async def _rebuild(server_url: str, name: str) -> str:
    async with owner_connection(server_url) as connection:
        known = await connection.fetchrow(
            "SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = $1", name
        )
    if (
        known is not None
        and known["mark"] != DEMO_MARK
        and not await _is_empty(with_database(server_url, name))
    ):
        raise NotADemo(name=name)
    await drop_database(server_url, name)
    url = await create_database(server_url, name)
    await migrate(url)
    async with owner_connection(url) as connection:
        await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{DEMO_MARK}'")
    return url


async def _is_empty(url: str) -> bool:
    """A database in which nobody has registered anybody holds nothing to lose."""
    async with owner_connection(url) as connection:
        if await connection.fetchval("SELECT to_regclass('participant')") is None:
            tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            return bool(tables == 0)
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM participant)")
