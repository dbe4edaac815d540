"""A real server, and callers who send half of a request and wait."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

HEAD = b"GET /health/live HTTP/1.1\r\nHost: market\r\n"
FORM = (
    b"POST /api/v1/auth/token HTTP/1.1\r\nHost: market\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)
ROOM = 310


class Served:
    """A server in a process of its own, with short times."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.port = process, port

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(sent)
        return connection

    def asked(self, sent: bytes) -> tuple[int, str, bytes]:
        """Status, code of the refusal, and head of what is answered until the server hangs up."""
        with self.connect(sent) as connection:
            return understood(all_of(connection))

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


def all_of(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def understood(answer: bytes) -> tuple[int, str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"], head.lower()


@pytest.fixture(scope="module")
def served(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DATAMARKET_VAR": str(tmp_path_factory.mktemp("served")),
        "DATAMARKET_HEAD_SECONDS": "3",
        "DATAMARKET_BODY_SECONDS": "3",
        "DATAMARKET_CONNECTIONS": str(ROOM),
        "DATAMARKET_SIGN_IN_LIMIT": "10000/minute",
    }
    line = [sys.executable, "-m", "datamarket", "serve", "--port", str(port)]
    process = subprocess.Popen(line, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/health/live")
                break
            except httpx.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        yield Served(process, port)
    finally:
        process.terminate()
        process.wait(30)


def test_three_hundred_parked_connections_are_closed_while_others_are_answered(served: Served) -> None:
    before = served.files()
    halves = [HEAD, FORM + b"Content-Length: 100\r\n\r\ngrant", b""]
    parked = [served.connect(halves[number % 3]) for number in range(300)]
    assert httpx.get(f"http://127.0.0.1:{served.port}/health/live").status_code == 200
    answers = [all_of(connection) for connection in parked]
    assert {answer[9:12] for answer in answers[1::3]} == {b"408"}
    assert set(answers[0::3] + answers[2::3]) == {b""}
    for connection in parked:
        connection.close()
    assert served.files() <= before + 5


def test_half_a_body_is_answered_as_late(served: Served) -> None:
    status, code, head = served.asked(FORM + b"Content-Length: 100\r\n\r\ngrant")
    assert (status, code) == (408, "request.body-incomplete")
    assert b"connection: close" in head


def test_a_refused_body_is_not_waited_for(served: Served) -> None:
    half = b"POST /api/v1/trades HTTP/1.1\r\nHost: market\r\nContent-Length: 100\r\n\r\n{"
    assert served.asked(half)[:2] == (401, "auth.sign-in-needed")


def test_an_empty_line_does_not_keep_an_idle_connection(served: Served) -> None:
    with served.connect(HEAD + b"\r\n") as connection:
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):  # head and body may come one after the other
            answer += connection.recv(65536)
        connection.sendall(b"\r\n")
        assert connection.recv(65536) == b""


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
def test_a_head_is_so_large_at_most(served: Served, ending: bytes) -> None:
    part = b"x" * 40_000
    with served.connect(HEAD + b"X-Note: ") as connection:
        for sent in (part, part + ending):
            connection.sendall(sent)
            time.sleep(0.2)
        status, code, _ = understood(all_of(connection))
    assert (status, code) == (431, "request.head-too-large")


def test_what_is_no_http_is_answered_with_a_problem(served: Served) -> None:
    assert served.asked(b"\x16\x03\x01 no HTTP\r\n\r\n")[:2] == (400, "request.unreadable")


def test_a_connection_too_many_is_told_so_and_room_comes_back(served: Served) -> None:
    parked = [served.connect() for _ in range(ROOM)]
    assert served.asked(b"")[:2] == (503, "connection.too-many")
    for connection in parked:
        connection.close()
    for _ in range(100):
        time.sleep(0.1)
        with served.connect(HEAD + b"Connection: close\r\n\r\n") as connection:
            if all_of(connection).startswith(b"HTTP/1.1 200"):
                return
    pytest.fail("no room came back")
