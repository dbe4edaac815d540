"""Point-in-time recovery: a base backup and the archived log bring back the books of one instant, and no later ones."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import asyncpg

from datamarket.evidence.log.findings import AcceptedLoss
from datamarket.evidence.losses.acceptance import accept_loss
from datamarket.evidence.losses.positions import PositionKeeper
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database, with_database
from datamarket.server.sealing import find_loss, sealer_of, verify_log
from loadtests.faults.books import facts_of
from loadtests.faults.cluster import running_cluster
from loadtests.faults.proof import Proof
from loadtests.faults.restore import broken_in, business, goes_on, lived_in, outside_of, replay, run_program
from loadtests.faults.stand import Stand, stand, tell
from tests.world.losses import PEOPLE

CLAIM = (
    "a base backup and the archived log bring back the books of the chosen instant, checked and verified;"
    " what was acknowledged after it, sealed or not, is found against what is kept outside, accepted by two people,"
    " and named from then on; trading and sealing go on"
)
TARGET = "before the mistake"
TRADES = 12
LONGER = "verify: outside-longer"
ARCHIVE_SECONDS = 60


async def prove(*, seconds: float, seed: int) -> Proof:  # noqa: ARG001 - as long as it takes
    """To the instant; the control is the base backup without the log that was archived after it."""
    async with stand("rewind", server={"archive_mode": "on"}) as on:
        archive = _folder(on, "archive")
        await _ask(on, f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'")
        await _ask(on, "SELECT pg_reload_conf()")
        answers = await lived_in(on)
        backup = [on.cluster.program("pg_basebackup"), "--checkpoint=fast", f"--dbname={on.cluster.url}"]
        for name in ("rewound", "control"):
            run_program([*backup, f"--pgdata={_folder(on, name)}"], user=on.cluster.owner)
            for lock in (on.folder / name).glob(".s.PGSQL.*"):  # our server's socket is among its data
                lock.unlink()
        answers |= await _trade_and_seal(on)
        facts, kept = await facts_of(on.url, on.ledger_id), await outside_of(on, on.url)
        await _ask(on, f"SELECT pg_create_restore_point('{TARGET}')")
        await _trade_and_seal(on)
        written = await _trade_and_tell(on)
        await _until_archived(on, archive)
        later = await outside_of(on, on.url)
        (on.folder / "rewound" / "recovery.signal").touch()
        log = {"restore_command": f"cp {archive}/%f %p", "recovery_target_name": TARGET}
        with running_cluster(on.folder / "rewound", **log, recovery_target_action="promote") as rewound:
            url = with_database(rewound.url, "market")
            await _until_promoted(url)
            differences = facts.differences(await facts_of(url, on.ledger_id))
            broken = await broken_in(on, url, kept)
            reported = await broken_in(on, url, later)
            replayed = await replay(on, url, answers)
            loss = await _accepted(on, url)
            onward = await goes_on(on, url)
            verdict = await verify_log(url, on.settings)
        with running_cluster(on.folder / "control") as short:
            missing = facts.differences(await facts_of(with_database(short.url, "market"), on.ledger_id))
    figures: dict[str, object] = {
        "rows": sum(rows for rows, _ in facts.tables.values()),
        "differences": differences,
        "broken": broken,
        "reported_of_checkpoints_made_after": reported,
        "answers_replayed": replayed,
        "leaves_given_up": loss.sealed - loss.kept,
        "rows_given_up_unsealed": len(loss.rows) + loss.unnamed,
        "afterwards": onward,
    }
    tell(f"rewind: {figures}, control {missing}")
    holds = (
        not (differences or broken or onward["broken"])
        and (reported, replayed) == ([LONGER], len(answers))
        and (len(loss.rows) + loss.unnamed, loss.notes != ()) == (written, True)
        and (verdict.holds, len(verdict.accepted)) == (True, 1)
    )
    return Proof("rewind", CLAIM, holds, figures, {"differences_without_the_log": missing}, bool(missing))


def _folder(on: Stand, name: str) -> Path:
    """A folder that the server may write to."""
    folder = on.folder / name
    folder.mkdir(mode=0o700)
    shutil.chown(folder, on.cluster.owner)
    return folder


async def _ask(on: Stand, statement: str) -> Any:
    connection = await asyncpg.connect(on.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _trade_and_seal(on: Stand) -> dict[str, bytes]:
    database = await Database(on.url, 2).open()
    try:
        answers = await business(on, database, TRADES)
        await sealer_of(on.settings).seal(database, now=read_clock())
    finally:
        await database.close()
    return answers


async def _trade_and_tell(on: Stand) -> int:
    """Trades that no pass seals, told of outside; how many rows they are."""
    database = await Database(on.url, 2).open()
    try:
        await business(on, database, TRADES)
        await PositionKeeper(sealer_of(on.settings)).keep(database, now=read_clock())
    finally:
        await database.close()
    rows = """
        SELECT (SELECT count(*) FROM ledger_entry WHERE xid >= below) + (SELECT count(*) FROM audit_event WHERE xid >= below)
          FROM (SELECT max(xid_below) AS below FROM seal_block) AS sealed
    """
    return int(await _ask(on, rows))


async def _accepted(on: Stand, url: str) -> AcceptedLoss:
    """By two people, as an operator has it done."""
    loss = await find_loss(url, on.settings)
    database = await Database(url, 2).open()
    try:
        sealer = sealer_of(on.settings)
        await accept_loss(database, sealer, loss, PEOPLE, reason="the drill", now=read_clock())
    finally:
        await database.close()
    return loss


async def _until_promoted(url: str) -> None:
    """A server answers before it has come to the instant: what is read meanwhile is of some moment before."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(ARCHIVE_SECONDS):
            while await connection.fetchval("SELECT pg_is_in_recovery()"):  # noqa: ASYNC110 - another process gets there
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _until_archived(on: Stand, archive: Path) -> None:
    """Raises TimeoutError when the segment that is now full does not arrive."""
    segment = await _ask(on, "SELECT pg_walfile_name(pg_switch_wal())")
    async with asyncio.timeout(ARCHIVE_SECONDS):
        while not (archive / segment).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.1)
