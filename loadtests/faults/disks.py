"""A disk fills up under load and is freed: the one of the tables, and the one of the write-ahead log."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from datamarket.server.checks import check_books
from loadtests.faults.kills import FORGETFUL
from loadtests.faults.mounts import SMALL, with_file_system
from loadtests.faults.oracle import Journal, judge, read_books, told_to_come_again
from loadtests.faults.proof import Proof
from loadtests.faults.stand import AS_SHIPPED, Stand, stand, tell
from loadtests.faults.traffic import Traffic, for_seconds
from loadtests.faults.workers import Span

CLAIM = {
    "disk": "the disk of the tables full and freed under load: what was acknowledged stays, what was refused"
    " is told to come again, nothing is half, and the market goes on by itself",
    "wal": "the disk of the write-ahead log full and freed under load: no acknowledged write is lost, none is doubled",
}
SHORTEST, LONGEST = 12, 24
"""Seconds of load, a third each before the disk is full, while it is, and after: more would not fit on it."""
FEW_SEGMENTS = {"min_wal_size": "32MB", "max_wal_size": "64MB"}
"""Write-ahead log that fits the small disk until it is filled."""
PRESS_SECONDS = 0.5
MIB = 1 << 20
SHIPPED = "datamarket.server.app:from_environment"


class PiecemealDatabase(Database):
    """Without the promise: every statement of a trade is a transaction of its own."""

    plain_transaction = Database.connection


def piecemeal() -> FastAPI:
    """What the control of `disk` serves."""
    settings = Settings()
    return create_app(settings, PiecemealDatabase(settings.database_url, settings.pool_size))


async def prove_disk(*, seconds: float, seed: int) -> Proof:
    """The market, then one whose trades are no longer written all or nothing."""
    return await _prove("disk", seconds, seed, factory="loadtests.faults.disks:piecemeal")


async def prove_wal(*, seconds: float, seed: int) -> Proof:
    """The durable server, then one that acknowledges what is not on the disk yet."""
    return await _prove("wal", seconds, seed, server=FORGETFUL)


async def _prove(
    name: str, seconds: float, seed: int, *, factory: str = SHIPPED, server: Mapping[str, str] = AS_SHIPPED
) -> Proof:
    async def experiment(place: Path) -> Proof:
        load = min(max(seconds, SHORTEST), LONGEST)
        whole, shown, figures = await _experiment(name, place, load, seed)
        control, _, told = await _experiment(name, place, SHORTEST, seed + 1, factory=factory, server=server)
        told |= {"app": factory, "server": dict(server)}
        return Proof(name, CLAIM[name], whole and shown, figures, told, not control)

    return await with_file_system(name, CLAIM[name], SMALL, experiment, seconds=seconds, seed=seed)


async def _experiment(
    name: str,
    disk: Path,
    seconds: float,
    seed: int,
    *,
    factory: str = SHIPPED,
    server: Mapping[str, str] = AS_SHIPPED,
) -> tuple[bool, bool, dict[str, object]]:
    """Whether the books are whole, whether the disk was met and everybody told to come again, and the figures."""
    with TemporaryDirectory(dir=disk) as folder:
        async with stand(name, server={**FEW_SEGMENTS, **server}) as on:
            await (_move_tables if name == "disk" else _move_log)(on, Path(folder))
            with Journal(on.folder / "intents.jsonl") as journal, on.market.serving_factory(factory) as port:
                tell(f"{name}: {seconds:.0f} s of load, the disk full in the middle of it")
                traffic = Traffic(on, port, journal, seed)
                begun = time.monotonic()
                span = Span()
                trading = asyncio.create_task(traffic.run(span.going))
                await asyncio.sleep(seconds / 3)
                freed = await _fill_and_free(on, Path(folder), seconds / 3, press=name == "wal")
                await asyncio.sleep(seconds / 3)
                span.over = True
                await trading
                took = time.monotonic() - begun
                unknown = await traffic.settle_unknown()
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
            findings = await check_books(on.url, on.ledger_id)
            breaches = await on.quick_breaches()
    broken = [finding.check.id for finding in findings if not finding.holds] + breaches
    answered = sum(moment > freed for moment in traffic.answered)
    figures: dict[str, object] = {
        "seconds": int(took),
        **traffic.figures(took, verdict),
        "unknown_replayed": unknown,
        "acknowledged_after_it_was_freed": answered,
        "breaches_after": broken,
    }
    tell(f"{name}: {figures}")
    whole = verdict.sound and not (broken or journal.unknown)
    return whole, told_to_come_again(journal) and bool(answered), figures


async def _move_tables(on: Stand, place: Path) -> None:
    """The market's tables and indexes to the small disk; the log stays where there is room."""
    shutil.chown(place, on.cluster.owner)
    connection = await asyncpg.connect(on.cluster.url)
    try:
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        await connection.execute("ALTER DATABASE market SET TABLESPACE small")
    finally:
        await connection.close()


async def _move_log(on: Stand, place: Path) -> None:
    """The write-ahead log to the small disk, by a link as an administrator makes it."""
    shutil.chown(place, on.cluster.owner)
    log = on.cluster.data / "pg_wal"
    on.cluster.stop()
    subprocess.run(["mv", str(log), str(place)], check=True)  # noqa: ASYNC221, S603, S607 - nothing runs yet
    log.symlink_to(place / "pg_wal")
    on.cluster.start()


async def _fill_and_free(on: Stand, place: Path, seconds: float, *, press: bool) -> float:
    """When the market could go on; a server that has given up by then is started, as its supervisor would."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(MIB)):
            pass
    full = for_seconds(seconds)
    while full():
        if press:
            await _write_log(on)
        await asyncio.sleep(PRESS_SECONDS)
    filler.unlink()
    if not on.cluster.alive:
        await asyncio.to_thread(on.cluster.start)
    return time.monotonic()


async def _write_log(on: Stand) -> None:
    """More than a segment, so that those made beforehand run out; nobody waits for it to reach the disk."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(on.cluster.url, timeout=PRESS_SECONDS)
        await connection.execute(f"SELECT pg_logical_emit_message(false, 'harness', repeat('x', {20 * MIB}))")
        await connection.close()
