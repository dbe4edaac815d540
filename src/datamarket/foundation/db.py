"""The database: embedded below `var`, or the one that `DATABASE_URL` names. One dialect: PostgreSQL.

Requests work as the role `datamarket_app`, which may not change the ledger's past; only migrations
act as the owner. Nobody but this module commits.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, TypeVarTuple, cast, overload
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson
from sqlalchemy import ColumnElement, text, tuple_
from sqlalchemy import Select as AnySelect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from datamarket.foundation.errors import Conflict, MarketError, NotFound, Unavailable

APP_ROLE = "datamarket_app"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "60s"
PAGE_LIMIT = 100
"""Items of a list that one request may ask for."""

PoolConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)


class DatabaseUnavailable(Unavailable):
    code = "database.unavailable"
    zh = "数据库暂时不可用，本次请求未产生任何变更；请携带相同的 Idempotency-Key 重试。"
    en = "The database is not reachable just now; nothing was changed. Retry with the same Idempotency-Key."


class Busy(Unavailable):
    code = "database.busy"
    zh = "同一对象正被其他请求处理，等待超时；本次未产生任何变更，请重试。"
    en = "Another request holds the same object; waiting timed out, nothing was changed. Retry."


class ConstraintViolated(Conflict):
    code = "database.constraint"
    zh = "数据库约束“{constraint}”拒绝了本次写入，未产生任何变更。"
    en = "The database constraint '{constraint}' refused this write; nothing was changed."


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


class Database:
    """Two pools on one database: sessions for administration, plain asyncpg for the hot paths."""

    def __init__(self, url: str, pool_size: int) -> None:
        self.url = url
        self.pool_size = pool_size
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,
            connect_args={"server_settings": _server_settings(), "timeout": 5},
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> "Database":
        """Open the plain pool. Raises OSError or asyncpg errors when the server is not there."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self.pool_size,
            timeout=5,
            server_settings=_server_settings(),
            reset=_nothing_to_reset,
        )
        return self

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One session, one transaction: all or nothing, deferred checks fail here with their name."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            await session.flush()
            await (await session.connection()).execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnection]:
        """A plain connection for one statement that needs no transaction of its own; jsonb travels as text."""
        if self._pool is None:
            raise DatabaseUnavailable
        async with self._pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def plain_transaction(self) -> AsyncIterator[PoolConnection]:
        """A plain connection inside one transaction."""
        async with self.connection() as connection, connection.transaction():
            yield connection


@asynccontextmanager
async def owner_connection(url: str, **settings: str) -> AsyncIterator[Connection]:
    """A connection beside the pools, as whom the URL names: for what the application's role may not do."""
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


RowT = TypeVar("RowT")
RowParts = TypeVarTuple("RowParts")
StatementT = TypeVar("StatementT", bound="AnySelect[*tuple[Any, ...]]")
KeyT_co = TypeVar("KeyT_co", covariant=True)


@dataclass(frozen=True)
class PageAsked(Generic[KeyT_co]):
    """How much of a list is wanted, and after which sort key; `seal` is what its cursors are sealed with."""

    limit: int
    after: KeyT_co | None = None
    seal: bytes = b""


def asked(*filters: tuple[Any, object]) -> list[ColumnElement[bool]]:
    """Columns that must equal a value, where one was given."""
    return [column == value for column, value in filters if value is not None]


def keyset(
    statement: StatementT, key: Any, page: PageAsked[Any], *, newest_first: bool = False
) -> StatementT:
    """By `key`, after the last row of the page before, and one row too many: it tells that there is more.

    A key of more than one column is a tuple of them.
    """
    columns = key if isinstance(key, tuple) else (key,)
    if page.after is not None:
        whole = tuple_(*key) if isinstance(key, tuple) else key
        statement = statement.where(whole < page.after if newest_first else whole > page.after)
    ordered = [column.desc() if newest_first else column for column in columns]
    return statement.order_by(*ordered).limit(page.limit + 1)


@overload
async def one_row(session: AsyncSession, statement: SelectOfScalar[RowT], thing: str) -> RowT: ...
@overload
async def one_row(session: AsyncSession, statement: Select[*RowParts], thing: str) -> tuple[*RowParts]: ...
async def one_row(session: AsyncSession, statement: Any, thing: str) -> Any:
    """The first row. Raises NotFound."""
    return there((await session.exec(statement)).first(), thing)


async def get_row(session: AsyncSession, table: type[RowT], key: Any, thing: str) -> RowT:
    """The row of this primary key. Raises NotFound."""
    return there(await session.get(table, key), thing)


async def lock_row(
    session: AsyncSession, table: type[RowT], key: Any, thing: str, *, key_share: bool = False
) -> RowT:
    """The newest row of this primary key, held until the transaction ends. Raises NotFound.

    With `key_share` others may still write rows that refer to it.
    """
    strength = {"key_share": key_share}
    return there(await session.get(table, key, with_for_update=strength, populate_existing=True), thing)


def there(row: RowT | None, thing: str) -> RowT:
    """What was looked for. Raises NotFound."""
    if row is None:
        raise NotFound(thing=thing)
    return row


async def driver(session: AsyncSession) -> Connection:
    """The asyncpg connection under a session, inside the session's own transaction."""
    await session.flush()
    connection = await session.connection()
    await connection.execute(text("SELECT 1"))  # SQLAlchemy begins lazily: without this, no transaction yet
    raw = await connection.get_raw_connection()
    return cast("Connection", raw.driver_connection)


def refusal_of(constraint: str, known: Mapping[str, type[MarketError]]) -> MarketError:
    """What a constraint that refused a write means to the caller."""
    return known[constraint]() if constraint in known else ConstraintViolated(constraint=constraint)


def _server_settings() -> dict[str, str]:
    return {
        "role": APP_ROLE,
        "timezone": "UTC",
        "lock_timeout": LOCK_TIMEOUT,
        "statement_timeout": STATEMENT_TIMEOUT,
        "jit": "off",
        "application_name": "datamarket",
    }


async def _nothing_to_reset(_connection: Any) -> None:
    """Hot paths leave no session state behind; the RESET on each release costs a round trip."""
