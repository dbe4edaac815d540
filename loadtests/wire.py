"""A small HTTP/1.1 client over bare asyncio, so that the generator of load is not what is measured.

Requests are bytes made beforehand; of an answer only the status and the length are read, and the body kept.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

Build = Callable[[int, int], bytes]
"""The next request of a connection: (number of the connection, number of the request on it) → bytes."""


@dataclass(frozen=True)
class Answer:
    """A status and the whole body."""

    status: int
    body: bytes
    head: bytes


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = bytes(self._received[:end])
        whole = end + 4 + _content_length(head)
        if len(self._received) < whole:
            return
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        waiting, self._waiting = self._waiting, None
        if not waiting.done():
            waiting.set_result(Answer(int(head[9:12]), body, head))

    async def ask(self, request: bytes) -> Answer:
        """Send one request, await its answer. Raises ConnectionError, also where the server hung up since the last one."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    return int(lowered[at + 17 :].split(b"\r\n", 1)[0])


async def connect(host: str, port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: market"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Measured:
    """How many answers a second, how long each took, and what was not as expected."""

    seconds: float = 0
    nanoseconds: list[int] = field(default_factory=list)
    unexpected: list[Answer] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.nanoseconds) / self.seconds if self.seconds else 0

    def percentile_ms(self, share: float) -> float:
        """The nearest-rank percentile, in milliseconds."""
        if not self.nanoseconds:
            return math.nan
        ordered = sorted(self.nanoseconds)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] / 1e6


async def hammer(
    connections: Sequence[Connection], build: Build, *, seconds: float, expected: int = 200
) -> Measured:
    """Every connection asks, one request after the other, until the time is over."""
    measured = Measured()
    started = time.perf_counter()
    until = started + seconds

    async def one(number: int, connection: Connection) -> None:
        for turn in count():
            begun = time.perf_counter_ns()
            answer = await connection.ask(build(number, turn))
            ended = time.perf_counter_ns()
            measured.nanoseconds.append(ended - begun)
            if answer.status != expected:
                measured.unexpected.append(answer)
            if time.perf_counter() >= until:
                return

    await asyncio.gather(*(one(number, connection) for number, connection in enumerate(connections)))
    measured.seconds = time.perf_counter() - started
    return measured
