"""The line between a market and its PostgreSQL, on the loopback: it can fall silent, and break at a COMMIT."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit, urlunsplit

CHUNK = 2**16


_ALONE = re.compile(rb"(__asyncpg_stmt_\w+__)\x00WITH write_1 AS \(\s*INSERT INTO idempotency_key")
"""How the driver names the statements that are a transaction of their own, when it prepares them."""


class Break(StrEnum):
    """Where the next COMMIT is lost: on its way to the server, or on the way back."""

    BEFORE = "before"
    AFTER = "after"


class Line:
    """Passes bytes on, both ways, until it is told otherwise."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._alone: set[bytes] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0
        self.breaks: Break | None = None
        self.asked = 0
        """Connections that were made, and chunks that came from the market."""

    @property
    def url(self) -> str:
        """The same database, at the end of this line."""
        user, password = self._parts.username or "postgres", self._parts.password
        who = f"{user}:{password}" if password else user
        return urlunsplit(self._parts._replace(netloc=f"{who}@127.0.0.1:{self._port}", query=""))

    def freeze(self) -> None:
        """Nothing passes any more, and nobody is told: a server that is stopped looks like this."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Every connection breaks."""
        _abort(self._writers)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        socket = parse_qs(self._parts.query).get("host", [""])[0]
        if socket:
            there = await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.{self._parts.port or 5432}")
        else:
            there = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        ends = {writer, there[1]}
        self._writers |= ends
        lost = asyncio.Event()
        ways = (self._ask(reader, there[1], lost), self._answer(there[0], writer, lost))
        for way in ways:
            task = asyncio.create_task(way)
            self._tasks.add(task)
            task.add_done_callback(lambda _task: _abort(ends))

    async def _ask(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                self.asked += 1
                await self._flowing.wait()
                self._alone |= set(_ALONE.findall(chunk))
                if self.breaks is not None and (
                    b"COMMIT;" in chunk or (chunk[:1] == b"B" and any(name in chunk for name in self._alone))
                ):
                    if self.breaks is Break.BEFORE:
                        return
                    lost.set()
                server.write(chunk)

    async def _answer(
        self, reader: asyncio.StreamReader, market: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flowing.wait()
                if lost.is_set():
                    return
                market.write(chunk)

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        return server

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _abort(writers: Iterable[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.transport.abort()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to this database, which ends with the block."""
    line = Line(url)
    server = await line.serve()
    try:
        yield line
    finally:
        server.close()
        await line.end()
