"""A command that cannot start says why in one sentence of each language, and exits with 2."""

import asyncio
import gc
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer
import uvicorn
from typer.testing import CliRunner

from datamarket.commands.main import app
from datamarket.commands.running import spoken
from datamarket.foundation.db import owner_connection, with_database
from datamarket.foundation.settings import Settings
from datamarket.server import database as place


def told(*words: str) -> list[str]:
    """The lines that a command leaves on standard error."""
    done = CliRunner().invoke(app, list(words))
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert gc.isenabled()
    return done.stderr.splitlines()


@contextmanager
def refusing(*states: str) -> Iterator[str]:
    """A server that refuses every connection with the next of these SQLSTATEs, at last always with the last."""
    left = list(states)

    class Refusal(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._packet()
            self.wfile.write(b"N")  # no TLS
            self._packet()
            state = left.pop(0) if len(left) > 1 else left[0]
            fields = b"SFATAL\0VFATAL\0C" + state.encode() + b"\0Mno\0\0"
            self.wfile.write(b"E" + (len(fields) + 4).to_bytes(4) + fields)

        def _packet(self) -> None:
            self.rfile.read(int.from_bytes(self.rfile.read(4)) - 4)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"postgresql://me:secret@127.0.0.1:{server.server_address[1]}/market"
        server.shutdown()


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAMARKET_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path / "var"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.mark.parametrize("command", ["serve", "check", "migrate", "seal"])
@pytest.mark.usefixtures("var")
def test_without_a_database_each_command_says_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}/market"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:secret@{address}")
    words = (command, "--port", str(free_port())) if command == "serve" else (command,)
    assert told(*words) == [
        f"database.unusable: 无法使用数据库 {address}：服务器无法连接。",
        f"The database {address} cannot be used: its server cannot be reached.",
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me@nowhere.invalid/market", "its host is not known"),
        ("mysql://me:secret@localhost/market", "write postgresql://user:password@host:5432/name"),
        ("postgres://me:secret@localhost/market", "write postgresql://user:password@host:5432/name"),
        ("postgresql://me:secret@localhost:port/market", "write postgresql://user:password@host:5432/name"),
        ("secret", "write postgresql://user:password@host:5432/name"),
        ("postgresql://me:secret@a:1/market?host=b", "write postgresql://user:password@host:5432/name"),
        ("postgresql://me:secret@a:1,b:0/market", "write several hosts as h1:5432,h2:5432"),
        ("postgresql://me:secret@a:1,/market", "none empty"),
        ("postgresql:///market?host=a,b,c&port=1,2&password=me:secret", "one port, or as many as hosts"),
        ("postgresql://me:secret@a,b/market?target_session_attrs=any", "is read-write or primary"),
        ("postgresql://me:secret@a/market?target_session_attrs=standby", "for one host alone, any"),
        (
            "postgresql://me:secret@a/market?sslmode=often",
            "sslmode is one of disable, allow, prefer, require",
        ),
    ],
)
@pytest.mark.usefixtures("var")
def test_an_address_that_leads_nowhere_is_named(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    [_, english] = told("migrate")
    assert said in english
    assert "me:secret" not in english


@pytest.mark.usefixtures("var")
def test_a_database_that_the_server_does_not_have_is_named(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_database(server_url, "nowhere"))
    assert "the server has no such database" in told("check")[1]


@pytest.mark.usefixtures("var")
def test_who_may_not_make_the_tables_is_told_so(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = f"stranger_{free_port()}"

    async def asked(statement: str) -> None:
        async with owner_connection(server_url) as connection:
            await connection.execute(statement)

    asyncio.run(asked(f"CREATE ROLE {stranger} LOGIN"))
    url = urlsplit(server_url)
    monkeypatch.setenv(
        "DATABASE_URL", url._replace(netloc=f"{stranger}@{url.netloc.rpartition('@')[2]}").geturl()
    )
    try:
        assert "该用户权限不足" in told("migrate")[0]
    finally:
        asyncio.run(asked(f"DROP ROLE {stranger}"))


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["28P01"], "用户名或密码不被接受"),
        (["53300"], "服务器磁盘或连接数已满"),
        (["57P03", "57P03", "28P01"], "用户名或密码不被接受"),
        (["57P03"], "服务器正在启动或关闭"),
        (["0A000"], "服务器拒绝连接"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("var")
def test_what_the_server_refuses_is_said_and_who_starts_or_stops_is_waited_for(
    states: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "SETTLES_WITHIN", 2)
    with refusing(*states) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        assert said in told("migrate")[0]


def test_a_var_that_is_no_folder_and_a_port_that_is_taken_are_named(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        [chinese, english] = told("serve", "--port", port)
    assert chinese.startswith(f"serve.address-unusable: 无法在 127.0.0.1 的端口 {port} 上提供服务")
    assert "cannot be listened on (the address is in use already);" in english
    assert not var.exists(), "nothing was started"
    var.write_text("a file", encoding="utf-8")
    for words in (["check"], ["serve", "--port", port]):
        assert "file.unusable" in told(*words)[0]


def test_a_full_disk_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, spoken():
        Path("/dev/full").write_text("x", encoding="utf-8")
    assert ended.value.exit_code == 2
    assert "cannot be read or written: the disk is full." in capsys.readouterr().err


def test_an_embedded_server_that_does_not_start_is_said_in_a_sentence(var: Path) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "PG_VERSION").write_text("18", encoding="utf-8")  # and nothing else
    [chinese, english] = told("check")
    assert chinese.startswith("database.embedded-failed: ")
    assert "did not start (CalledProcessError)" in english


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many workers were let answer, and for how long each may be silent; none answers."""
    started: list[tuple[int, int]] = []

    def run(*_: object, workers: int, timeout_worker_healthcheck: int = 5, **__: object) -> None:
        started.append((workers, timeout_worker_healthcheck))

    monkeypatch.setattr(uvicorn, "run", run)
    return started


def owned_by(server_url: str, owner: str, *statements: str) -> str:
    """The URL of a database of its own, as its owner."""

    async def made() -> None:
        async with owner_connection(server_url) as connection:
            for statement in statements:
                await connection.execute(statement)

    asyncio.run(made())
    url = urlsplit(with_database(server_url, owner))
    return url._replace(netloc=f"{owner}@{url.netloc.rpartition('@')[2]}").geturl()


@pytest.mark.parametrize("of", ["ROLE", "DATABASE"])
@pytest.mark.usefixtures("var", "database_url")
def test_more_workers_than_the_database_has_connections_for_are_not_started(
    of: str, server_url: str, served: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = f"owner_{free_port()}"
    url = owned_by(
        server_url,
        owner,
        f"CREATE ROLE {owner} LOGIN CREATEROLE",
        f"GRANT datamarket_app TO {owner}",
        f"CREATE DATABASE {owner} OWNER {owner}",
        f"ALTER {of} {owner} CONNECTION LIMIT 25",
    )
    monkeypatch.setenv("DATABASE_URL", url)
    serve = ("serve", "--port", str(free_port()), "--workers", "2")
    try:
        [chinese, english] = told(*serve)
        assert chinese.startswith(
            "serve.connections-too-many: 2 个进程各需 13 个数据库连接，共 26 个，而数据库只允许 25 个"
        )
        assert "13 connections each, 26 in all, and the database allows 25;" in english
        monkeypatch.setenv("DATAMARKET_POOL_SIZE", "5")
        assert CliRunner().invoke(app, list(serve)).exit_code == 0
    finally:
        owned_by(server_url, owner, f"DROP DATABASE {owner} WITH (FORCE)", f"DROP ROLE {owner}")
    assert served == [(2, 60)], "a worker that still loads on a busy machine is not replaced by another"


@pytest.mark.usefixtures("var")
def test_a_superuser_is_held_to_what_the_server_has_and_does_not_reserve(
    server_url: str,
) -> None:
    async def allowed() -> int:
        async with owner_connection(server_url) as connection:
            names = ("max_connections", "superuser_reserved_connections")
            most, kept = [int(await connection.fetchval(f"SHOW {name}")) for name in names]
            return most - kept

    room = asyncio.run(allowed())
    settings = Settings(pool_size=1)
    fitting = place.MarketDatabase(server_url, "postgres", settings)
    asyncio.run(place.check_connections(fitting, room // 3))
    with pytest.raises(place.ConnectionsTooMany):
        asyncio.run(place.check_connections(fitting, room // 3 + 1))


@pytest.mark.parametrize(
    ("name", "given", "zh", "en"),
    [
        ("DATAMARKET_POOL_SIZE", "abc", "应为整数", "integer"),
        ("DATAMARKET_POOL_SIZE", "0", "不得小于 1", "greater than or equal to 1"),
        ("DATAMARKET_LOG_REQUESTS", "perhaps", "应为 true 或 false", "boolean"),
        ("DATAMARKET_RATE_LIMIT", "many", "应形如 3000/second", "3000/second"),
    ],
)
@pytest.mark.usefixtures("var")
def test_a_setting_that_cannot_be_read_is_named_in_a_sentence(
    name: str, given: str, zh: str, en: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, given)
    monkeypatch.setattr(uvicorn, "run", None)
    for command in (["check"], ["serve", "--port", str(free_port())]):
        [chinese, english] = told(*command)
        assert chinese.startswith("settings.unusable: ")
        assert {name in line for line in (chinese, english)} == {True}
        assert (zh in chinese, en in english) == (True, True)
