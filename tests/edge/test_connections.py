"""What a connection sends: the head of an answer and its body in one write, in the order of the answers."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from datamarket.edge.connections import PatientProtocol
from datamarket.foundation.settings import Settings


class Wire(asyncio.Transport):
    """What was written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.writes.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def told(settings: Settings, asked: bytes, *parts: bytes) -> Wire:
    """What a connection on which this is asked was sent, by an application that answers in these parts."""

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"content-length", b"%d" % sum(map(len, parts)))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})
            await asyncio.sleep(0.01)

    config = Config(application, lifespan="off", log_config=None, access_log=False)
    config.load()
    protocol = PatientProtocol(config=config, server_state=ServerState(), app_state={}, settings=settings)
    wire = Wire()
    protocol.connection_made(wire)
    protocol.data_received(asked)
    await asyncio.sleep(0.1)
    protocol.connection_lost(None)
    return wire


ASKED = b"GET / HTTP/1.1\r\nHost: market\r\n%s\r\n"


async def test_head_and_body_go_in_one_write(settings: Settings) -> None:
    wire = await told(settings, ASKED % b"", b"whole")
    assert len(wire.writes) == 1
    assert wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.writes[0].endswith(b"\r\n\r\nwhole")


async def test_what_comes_in_parts_is_not_held_until_the_next_part(settings: Settings) -> None:
    wire = await told(settings, ASKED % b"", b"one, ", b"two, ", b"three")
    assert [written[-6:] for written in wire.writes[1:]] == [b"two, ", b"three"]
    assert b"".join(wire.writes).endswith(b"\r\n\r\none, two, three")


async def test_an_answer_is_sent_before_its_connection_is_closed(settings: Settings) -> None:
    wire = await told(settings, ASKED % b"Connection: close\r\n", b"whole")
    assert b"".join(wire.writes).endswith(b"\r\n\r\nwhole")
    assert wire.closed


async def test_who_waits_to_be_told_to_send_the_body_is_told(settings: Settings) -> None:
    wire = await told(settings, ASKED % b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"whole")
    assert b"".join(wire.writes).startswith(b"HTTP/1.1 100 Continue\r\n")


async def test_what_cannot_be_read_is_answered_before_the_connection_is_closed(settings: Settings) -> None:
    wire = await told(settings, b"not HTTP\r\n\r\n", b"whole")
    assert b"".join(wire.writes).startswith(b"HTTP/1.1 400 ")
    assert wire.closed
