"""The database: embedded below `var`, or the one that `DATABASE_URL` names. One dialect: PostgreSQL.

Requests act as `datamarket_app`, which may not change the ledger's past; only migrations as the owner. Only here is committed.
"""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Self, TypeAlias, TypeVar, TypeVarTuple, cast, overload
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson
from sqlalchemy import ColumnElement, event, text, tuple_
from sqlalchemy import Select as AnySelect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from datamarket.foundation.errors import NotFound, Unavailable
from datamarket.foundation.waiting.outages import Circuit, DatabaseUnavailable, OutcomeUnknown, is_outage
from datamarket.foundation.waiting.servers import DIALECT, Servers
from datamarket.foundation.waiting.turns import Turns

APP_ROLE = "datamarket_app"
LOCK_TIMEOUT = "3s"
"""Shorter than the deadline of a request: who waits for another's row hears that it is busy."""
ANSWER_MILLISECONDS = 500
"""What a deadline leaves the server to cancel a slow statement by itself: its connection lives on."""
COMMAND_SECONDS = 3600
"""A command has nobody waiting for its answer; its transactions may take an hour."""
ACQUIRE_SECONDS = 10
"""For a connection of the pool, however long the work on it may take afterwards."""
CONNECT_SECONDS = 3
CLOSE_SECONDS = 2
"""At the end of a process, for the farewell to a server that may not answer any more."""
PAGE_LIMIT = 100
"""Items of a list that one request may ask for."""

PoolConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)


class Busy(Unavailable):
    code = "database.busy"
    zh = "同一对象正被其他请求处理，等待超时；本次未产生任何变更，请重试。"
    en = "Another request holds the same object; waiting timed out, nothing was changed. Retry."


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@dataclass
class Ended:
    """Counted for a database whatever the deadline that it is seen with; `another` wakes who waits for one."""

    writes: int = 0
    moves: int = 0
    another: asyncio.Event = field(default_factory=asyncio.Event)


class Database:
    """Two pools on one database: sessions for administration, plain asyncpg for the hot paths.

    Every block ends within `seconds`, the wait for its connection included: then the connection is
    broken off, without a farewell to a server that may be frozen, and the block fails as an outage.
    """

    def __init__(self, url: str, pool_size: int, seconds: int = COMMAND_SECONDS) -> None:
        self.url = url
        self.pool_size = pool_size
        self.seconds = self._usual_seconds = seconds
        self._connect = partial(
            Servers.of(url).connect, seconds=CONNECT_SECONDS, server_settings=_server_settings(seconds)
        )
        self.engine: AsyncEngine = create_async_engine(
            DIALECT,
            async_creator=self._connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=ACQUIRE_SECONDS,
            pool_use_lifo=True,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        event.listen(self.engine.sync_engine, "checkout", _renew_when_closed)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._sessions, self._plain = Circuit(), Circuit()
        self._ended = Ended()
        self._turns = Turns(pool_size)

    @property
    def writes(self) -> int:
        """How many transactions that may have changed what everyone is shown have ended in this process.

        Those of plain connections are not counted: the hot paths move money, metered uses and seals, no listing.
        """
        return self._ended.writes

    @property
    def ended(self) -> int:
        """How many transactions that may have changed anything have ended in this process, on either pool."""
        return self._ended.writes + self._ended.moves

    async def await_write(self, *, after: int, milliseconds: int) -> None:
        """Until `writes` is more than `after`, so many milliseconds at most."""
        self._ended.another.clear()
        if self.writes == after:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.another.wait(), milliseconds / 1000)

    async def open(self) -> "Database":
        """Open the plain pool. Raises OSError or asyncpg errors when the server is not there."""
        self._pool = await asyncpg.create_pool(
            connect=cast("Any", lambda _dsn, **how: self._connect(**how)),
            min_size=0,  # the pool would else open connections behind our back while the server is away
            init_size=1,
            max_size=self.pool_size,
            reset=_nothing_to_reset,
        )
        return self

    async def close(self) -> None:
        """Close both pools; what does not answer in time is dropped."""
        for closing in ([self._pool.close()] if self._pool else []) + [self.engine.dispose()]:
            with suppress(TimeoutError):
                await asyncio.wait_for(closing, CLOSE_SECONDS)

    def within(self, seconds: int) -> Self:
        """The same pools with another deadline, for work that is known to take longer or must be quicker."""
        view = copy.copy(self)
        view.seconds = seconds
        return view

    @asynccontextmanager
    async def transaction(self, *, reading: bool = False) -> AsyncIterator[AsyncSession]:
        """One session, one transaction: a write, whose deferred checks fail here, unless for `reading`. Raises OutcomeUnknown at a COMMIT."""
        sent = False
        try:
            async with (
                self._session_connection() as (connection, raw),
                AsyncSession(connection, expire_on_commit=False) as session,
                session.begin(),
            ):
                if self.seconds != self._usual_seconds:
                    await (await session.connection()).execute(text(_patience(self.seconds)))
                yield session
                if not reading:
                    await session.flush()
                    await (await session.connection()).execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                sent = not raw.is_closed()
        except Exception as error:
            if sent and is_outage(error):
                raise OutcomeUnknown from error
            raise
        finally:
            if not reading:
                self._ended.writes += 1
                self._ended.another.set()

    @asynccontextmanager
    async def _session_connection(self) -> "AsyncIterator[tuple[AsyncConnection, Connection]]":
        """A connection for a session, and the driver's own below it; returned or broken off in time."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._sessions.admit(self.seconds)
        lost = True
        try:
            async with asyncio.timeout(min(self.seconds, ACQUIRE_SECONDS)):
                connection = await self.engine.connect()
            raw = cast("Any", connection.sync_connection).connection.driver_connection
            deadline = loop.call_at(begun + self.seconds, _break_off, raw)
            try:
                yield connection, raw
            finally:
                try:
                    await connection.close()
                finally:
                    deadline.cancel()
                lost = raw.is_closed()
        finally:
            self._sessions.hear(lost=lost)

    @asynccontextmanager
    async def connection_beside(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection beside the pools, as the same role; it is broken off at the end, so that nobody waits for it."""
        connection = await self._connect()
        try:
            yield connection
        finally:
            connection.terminate()

    def check_plain(self) -> None:
        """For who queues for plain connections. Raises DatabaseUnavailable while they are known to give no answer."""
        self._plain.check()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnection]:
        """A plain connection for one statement that needs no transaction of its own; jsonb travels as text."""
        if self._pool is None:
            raise DatabaseUnavailable
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._plain.admit(self.seconds)
        lost, wait = True, min(self.seconds, ACQUIRE_SECONDS)
        try:
            async with (
                self._turns.within(wait),
                self._pool.acquire(timeout=begun + wait - loop.time()) as connection,
            ):
                deadline = loop.call_at(begun + self.seconds, _break_off, connection)
                try:
                    yield connection
                finally:
                    deadline.cancel()
                    lost = _is_gone(connection)
        finally:
            self._plain.hear(lost=lost)

    @asynccontextmanager
    async def plain_transaction(self) -> AsyncIterator[PoolConnection]:
        """A plain connection inside one transaction. Raises OutcomeUnknown when it breaks at the COMMIT."""
        sent = False
        try:
            async with self.connection() as connection, connection.transaction():
                if self.seconds != self._usual_seconds:
                    await connection.execute(_patience(self.seconds))
                yield connection
                sent = not _is_gone(connection)
        except Exception as error:
            if sent and is_outage(error):
                raise OutcomeUnknown from error
            raise
        finally:
            self._ended.moves += 1

    @asynccontextmanager
    async def committing(self, connection: PoolConnection) -> AsyncIterator[None]:
        """Around one statement that is its own transaction. Raises OutcomeUnknown when its connection breaks."""
        try:
            yield
        except Exception as error:
            if is_outage(error) and _is_gone(connection):
                raise OutcomeUnknown from error
            raise
        finally:
            self._ended.moves += 1


@asynccontextmanager
async def owner_connection(url: str, **settings: str) -> AsyncIterator[Connection]:
    """A connection beside the pools, as whom the URL names: for what the application's role may not do."""
    connection = await Servers.of(url).connect(seconds=ACQUIRE_SECONDS, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close(timeout=ACQUIRE_SECONDS)


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


def _server_settings(seconds: int) -> dict[str, str]:
    return {
        "role": APP_ROLE,
        "timezone": "UTC",
        "lock_timeout": LOCK_TIMEOUT,
        "statement_timeout": _statement_timeout(seconds),
        "jit": "off",
        "application_name": "datamarket",
    }


def _statement_timeout(seconds: int) -> str:
    return f"{seconds * 1000 - ANSWER_MILLISECONDS}ms"


def _patience(seconds: int) -> str:
    """Of one transaction whose deadline is not that of its pool."""
    return f"SET LOCAL statement_timeout = '{_statement_timeout(seconds)}'"


def _break_off(connection: Connection) -> None:
    """End a connection without a word: a cancel request or a farewell would wait for the same silent server."""
    with suppress(asyncpg.InterfaceError):  # it was given back already
        connection.terminate()


def _is_gone(connection: PoolConnection) -> bool:
    """Whether the connection broke; one that was broken off is no longer the block's to ask."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def _renew_when_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """A connection that the server closed while it lay idle is replaced before anything is sent on it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def _nothing_to_reset(_connection: Any) -> None:
    """Hot paths leave no session state behind; the RESET on each release costs a round trip."""
