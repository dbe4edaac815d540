"""The embedded server and its users: the last one stops it, killed ones count for nothing, a dying one is waited for."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from datamarket.server.embedded import EmbeddedServerFailed, embedded_server

USER = """
import sys, pathlib
from datamarket.server.embedded import embedded_server
server = embedded_server(pathlib.Path(sys.argv[1]))
print(server.get_pid(), flush=True)
sys.stdin.read()
server.cleanup()
"""
USES = list[subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


@pytest.fixture
def users() -> Iterator[USES]:
    """Processes of this test; with it they end, and the last one stops the server."""
    started: USES = []
    yield started
    for process in started:
        process.communicate(timeout=60)


def use(folder: Path, users: USES) -> subprocess.Popen[str]:
    """A process that uses the server until its input ends; it has begun."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    users.append(process)
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    return process


def is_up(folder: Path) -> bool:
    return (folder / "postmaster.pid").exists()


async def answers(uri: str) -> int:
    connection = await asyncpg.connect(uri)
    try:
        return int(await connection.fetchval("SELECT 1"))
    finally:
        await connection.close()


async def test_the_last_user_stops_the_server_and_a_killed_one_is_none(folder: Path, users: USES) -> None:
    killed, living = use(folder, users), use(folder, users)
    os.kill(killed.pid, signal.SIGKILL)  # nobody waits for it: it stays as a zombie
    own = embedded_server(folder)
    await asyncio.to_thread(own.cleanup)
    assert is_up(folder)
    assert embedded_server(folder).get_uri() == own.get_uri()
    await asyncio.to_thread(own.cleanup)
    living.communicate()
    assert not is_up(folder)


async def test_a_number_that_another_process_has_now_is_no_user_and_no_server(
    folder: Path, users: USES
) -> None:
    """Power was cut: two files name processes, and their numbers have been given away since."""
    process = use(folder, users)
    process.communicate()
    (folder / ".handle_pids.json").write_text(f"[{os.getppid()}]", encoding="utf-8")
    lines = [os.getppid(), folder, 1, 5432, folder, "", "1 1", "ready"]
    (folder / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n", encoding="utf-8")
    server = embedded_server(folder)
    assert await answers(server.get_uri()) == 1
    await asyncio.to_thread(server.cleanup)
    assert not is_up(folder)


async def test_a_server_that_is_shutting_down_is_waited_for(folder: Path, users: USES) -> None:
    first = use(folder, users)
    pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    server = embedded_server(folder)
    connection = await asyncpg.connect(server.get_uri())
    os.kill(first.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGTERM)  # smart: it waits for its clients
    second = threading.Thread(target=use, args=(folder, users))
    second.start()
    await asyncio.sleep(1)
    await connection.close()
    await asyncio.to_thread(second.join, 60)
    again = int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    assert again != pid
    assert await answers(server.get_uri()) == 1
    await asyncio.to_thread(server.cleanup)


async def test_a_server_that_cannot_start_says_so_in_a_sentence(folder: Path, users: USES) -> None:
    use(folder, users).communicate()
    (folder / "postgresql.conf").write_text("nonsense", encoding="utf-8")
    with pytest.raises(EmbeddedServerFailed, match="a file `log` in it says why"):
        embedded_server(folder)
    assert "postgresql.conf" in (folder / "log").read_text(encoding="utf-8")
