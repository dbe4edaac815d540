"""Where a command works: which server, which database, brought to the newest schema."""

import asyncio
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.exc import DBAPIError

from datamarket import slices
from datamarket.evidence.log.sealing import place_of
from datamarket.foundation.db import owner_connection, with_database
from datamarket.foundation.errors import Conflict, Unavailable
from datamarket.foundation.inputs.texts import ValueFault
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting.servers import FORM, NoneTakesWrites
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.embedded import embedded_server

DEMO_MARK = "datamarket demo: rebuilt by every `datamarket demo`"
DEMO_DATABASE = "datamarket_demo"
SETTLES_WITHIN = 30
"""Seconds for a server that starts or stops; whoever starts us may try again."""


class NotADemo(Conflict):
    code = "demo.not-a-demo"
    zh = "数据库“{name}”中已有非演示数据，演示不会覆盖它；请用 DATAMARKET_DATABASE_NAME 另指定数据库名。"
    en = "The database '{name}' holds data that no demo made; it is left alone. Name another: DATAMARKET_DATABASE_NAME."


class DatabaseUnusable(Unavailable):
    code = "database.unusable"
    zh = "无法使用数据库 {database}：{problem_zh}。"
    en = "The database {database} cannot be used: {problem_en}."


class ConnectionsTooMany(Conflict):
    code = "serve.connections-too-many"
    zh = (
        "{workers} 个进程各需 {each} 个数据库连接，共 {wanted} 个，而数据库只允许 {allowed} 个；"
        "请减少 --workers，调低 DATAMARKET_POOL_SIZE，或提高数据库的连接上限。"
    )
    en = (
        "{workers} workers want {each} connections each, {wanted} in all, and the database allows {allowed};"
        " choose fewer --workers, a smaller DATAMARKET_POOL_SIZE, or let the database allow more."
    )


POOLS = 2
"""Of a worker: sessions, and plain connections; its chores take from the same."""
LISTENING = 1
"""Of a worker, beside its pools: `server/listening.py`; with a replica one more, `server/following.py`."""
_ALLOWED = """
SELECT least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0),
             CASE WHEN NOT r.rolsuper THEN nullif(d.datconnlimit, -1) END,
             CASE WHEN NOT r.rolsuper THEN nullif(r.rolconnlimit, -1) END)
  FROM pg_database AS d, pg_roles AS r WHERE d.datname = current_database() AND r.rolname = session_user
"""
"""Of the server without what it reserves, of the database, of the role: the least; a superuser is held to the first."""


_PROBLEMS: tuple[tuple[type[Exception], str, str], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "用户名或密码不被接受", "user or password is refused"),
    (asyncpg.InvalidCatalogNameError, "服务器上没有该数据库", "the server has no such database"),
    (asyncpg.CannotConnectNowError, "服务器正在启动或关闭", "the server is starting or shutting down"),
    (asyncpg.InsufficientPrivilegeError, "该用户权限不足", "the user may not do what is needed"),
    (
        asyncpg.InsufficientResourcesError,
        "服务器磁盘或连接数已满",
        "disk or connections of the server are full",
    ),
    (asyncpg.PostgresError, "服务器拒绝连接", "the server refuses"),
    (socket.gaierror, "主机名无法解析", "its host is not known"),
    (TimeoutError, "服务器未应答", "its server does not answer"),
    (NoneTakesWrites, "所列服务器均为备库，无一可写", "of its servers each is a standby, none takes writes"),
    (OSError, "服务器无法连接", "its server cannot be reached"),
    (ValueError, *FORM),
)
"""What keeps a command from its database; the first that fits is said."""


def _unusable(url: str, error: BaseException) -> DatabaseUnusable:
    """The sentence for one of these errors, without the password."""
    zh, en = next((zh, en) for kind, zh, en in _PROBLEMS if isinstance(error, kind))
    if isinstance(error, ValueFault):
        zh, en = error.zh, error.en
    shown = re.sub(r"^(.*@|postgres(ql)?://)|\?.*$", "", url)
    return DatabaseUnusable(database=shown, problem_zh=zh, problem_en=en)


async def _await_server(url: str) -> None:
    """Wait while the server starts or stops, or another takes over. Raises DatabaseUnusable."""
    ends = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            async with owner_connection(url):
                return
        except (OSError, ValueError, asyncpg.PostgresError) as error:
            passing = isinstance(error, asyncpg.CannotConnectNowError | NoneTakesWrites)
            if not passing or time.monotonic() > ends:
                raise _unusable(url, error) from error
            await asyncio.sleep(1 / 5)


@contextmanager
def _permitted(url: str) -> Iterator[None]:
    """What its owner does to a database. Raises DatabaseUnusable for who may not, and where there is no room."""
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        refused = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
        if isinstance(refused, asyncpg.InsufficientPrivilegeError | asyncpg.InsufficientResourcesError):
            raise _unusable(url, refused) from error
        raise


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
        asyncio.run(_await_server(settings.database_url))
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
        with _permitted(server_url):
            if settings.database_url:
                url, name = server_url, urlsplit(server_url).path.removeprefix("/")
            else:
                name = settings.database_name
                url = asyncio.run(create_database(server_url, name))
            asyncio.run(migrate(url))
        yield MarketDatabase(url, name, settings)


async def check_connections(market: MarketDatabase, workers: int) -> None:
    """What all workers may open together must fit. Raises ConnectionsTooMany.

    What others hold just now is not counted: it changes by the minute, and a rolling restart is another, too.
    """
    each = POOLS * market.settings.pool_size + LISTENING + bool(market.settings.replica_url)
    async with owner_connection(market.url) as connection:
        allowed = await connection.fetchval(_ALLOWED)
    if workers * each > allowed:
        raise ConnectionsTooMany(workers=workers, each=each, wanted=workers * each, allowed=allowed)


@contextmanager
def rebuilt_database() -> Iterator[MarketDatabase]:
    """The demo's own database, made anew. Raises NotADemo rather than drop what no demo made."""
    settings = Settings()
    with _server(settings) as server_url:
        name = DEMO_DATABASE if settings.database_url else settings.database_name
        with _permitted(server_url):
            url, place = asyncio.run(_rebuild(server_url, name))
        # checkpoints of the demo that is gone would contradict the new one
        shutil.rmtree(settings.checkpoints / str(settings.ledger_id) / place, ignore_errors=True)
        yield MarketDatabase(url, name, settings)


async def _rebuild(server_url: str, name: str) -> tuple[str, str]:
    """Its URL, and where its checkpoints are kept."""
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
        return url, await place_of(connection)


async def _is_empty(url: str) -> bool:
    """A database in which nobody has registered anybody holds nothing to lose."""
    async with owner_connection(url) as connection:
        if await connection.fetchval("SELECT to_regclass('participant')") is None:
            tables = await connection.fetchval(
                "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
            )
            return bool(tables == 0)
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM participant)")
