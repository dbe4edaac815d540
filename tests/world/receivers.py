"""Receivers on loopback that keep what they are sent, and the other side of a signature."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from datamarket.foundation.db import Database
from datamarket.notices.subscriptions.sending import Sender
from tests.world.people import moment
from tests.world.trading import LEDGER_ID

LOOPBACK = ("127.0.0.0/8",)
KEY = b"k" * 32


@dataclass
class Receiver:
    """What came in: the path's own headers, and the body; it answers with `status`, or, when it hangs, never."""

    status: int = 204
    hangs: bool = False
    location: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    @property
    def types(self) -> list[str]:
        return [orjson.loads(body)["type"] for _, body in self.got]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked, *lines = head.decode().split("\r\n")[:-2]
                self.paths.append(asked.split(" ")[1])
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.got.append((headers, body))
                if self.hangs:
                    await reader.read()  # until the other side gives up
                    return
                more = f"Location: {self.location}\r\n" if self.location else ""
                writer.write(f"HTTP/1.1 {self.status} Told\r\n{more}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(**how: Any) -> AsyncIterator[Receiver]:
    """A receiver on a free port, for as long as the block lasts."""
    receiver = Receiver(**how)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/told"
    yield receiver
    server.close()


def sender_of(database: Database, **how: Any) -> Sender:
    """A process's sender that may write to loopback."""
    return Sender(database, LEDGER_ID, KEY, LOOPBACK, moment, **how)


async def turn(sender: Sender) -> None:
    """Everyone whose turn it is is served."""
    await asyncio.gather(*await sender.begin())


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver checks it, by the specification alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    told = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{told}" in headers["webhook-signature"].split(" ")
