"""The connections of a server: so many, with heads so large; one that is late with its head or body is closed."""

import asyncio
from typing import Any

from fastapi import Request
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from datamarket.edge.problems import problem
from datamarket.foundation.errors import Invalid, MarketError, Unavailable
from datamarket.foundation.inputs.bodies import BodyUnreadable
from datamarket.foundation.inputs.requests import BodyIncomplete
from datamarket.foundation.settings import Settings

HEAD_LIMIT = 32 * 2**10
"""Octets of address and headers: four times what proxies commonly hand on for one of them."""
LOOK_SECONDS = 1
"""How often a connection is looked at; nothing is timed request by request."""


class HeadTooLarge(Invalid):
    code = "request.head-too-large"
    zh = "请求地址与请求头过大：合计至多 {kib} KiB。"
    en = "Address and headers are too large: at most {kib} KiB together."


class TooManyConnections(Unavailable):
    code = "connection.too-many"
    zh = "服务器连接数已满，请稍后重试。"
    en = "The server has all the connections it can take; retry in a moment."


class Gathered:
    """A transport that sends the head of an answer and its body in one write: one system call, one packet.

    What nothing follows goes at the end of this turn of the loop.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines([held, data])
        elif data:
            self._held = data
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        self.flush()
        self._transport.close()


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol waits for a caller as long as it likes; this one does until `due`."""

    def __init__(self, *arguments: Any, settings: Settings, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.settings = settings
        self.asking = False  # between the first byte of a request and its last
        self.in_head = False
        self.head_read = self.arrived = 0
        self.due = self.loop.time()
        self.refusal: HeadTooLarge | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(Gathered(transport, self.loop))  # type: ignore[arg-type] # it is one
        self._wait(self.settings.head_seconds)
        self.look_task = self.loop.call_later(LOOK_SECONDS, self._look)
        if len(self.connections) > self.settings.connections:
            self._refuse(TooManyConnections())

    def connection_lost(self, exc: Exception | None) -> None:
        self.look_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        begun = self.in_head
        self.arrived = len(data)
        super().data_received(data)
        if begun:
            self.head_read += len(data)
            if self.in_head and self.head_read > HEAD_LIMIT:
                self._refuse(HeadTooLarge(kib=HEAD_LIMIT >> 10), 431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.asking = self.in_head = True
        self.head_read = 0
        self._wait(self.settings.head_seconds)

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self.head_read + self.arrived > HEAD_LIMIT and self._head_size() > HEAD_LIMIT:
            self.refusal = HeadTooLarge(kib=HEAD_LIMIT >> 10)
            raise self.refusal  # the parser stops, and `send_400_response` is called
        self._wait(self.settings.body_seconds)
        super().on_headers_complete()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_message_complete(self) -> None:
        self.asking = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._wait(self.settings.head_seconds)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the document says it
        self._refuse(self.refusal or BodyUnreadable(), 431 if self.refusal else 400)

    def _wait(self, seconds: int) -> None:
        self.due = self.loop.time() + seconds

    def _look(self) -> None:
        """Close a connection that is late: nothing is asked on it, or what is asked is not all there."""
        idle = self.cycle is None or self.cycle.response_complete
        if (self.asking or idle) and self.loop.time() > self.due:
            if not idle and not self.in_head and not self.cycle.response_started:
                self._refuse(BodyIncomplete())
            self.transport.close()
        else:
            self.look_task = self.loop.call_later(LOOK_SECONDS, self._look)

    def _refuse(self, error: MarketError, status: int | None = None) -> None:
        """Answer outside of the application, in a whole problem document, and hang up."""
        if self.transport.is_closing():
            return
        scope: dict[str, Any] = {"type": "http", "path": "/", "headers": [], **(self.scope or {})}
        answer = problem(Request(scope), error, status=status, headers={"Connection": "close"})
        lines = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        self.transport.write(STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()
