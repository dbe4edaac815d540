"""`datamarket seal`, `verify`, `accept-loss`, `export-evidence`: the sealed log of entries and audit events."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from datamarket.evidence.log import bundle, verification
from datamarket.evidence.log.findings import AcceptedLoss, Verdict
from datamarket.evidence.log.leaves import AUDIT_EVENTS
from datamarket.evidence.log.notes import Notary, NoteReader, NoteUntrusted, load_key
from datamarket.evidence.log.sealing import Sealer, await_watermark, read_note
from datamarket.evidence.log.verification import Log
from datamarket.evidence.losses.acceptance import loss_of
from datamarket.evidence.losses.judging import Outside, verify_against
from datamarket.evidence.losses.positions import PositionKeeper
from datamarket.foundation.checks import unheard
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.errors import Invalid
from datamarket.foundation.settings import Settings
from datamarket.ledger.books.leaves import ENTRIES

SOURCES = (ENTRIES, AUDIT_EVENTS)
Chore = Callable[[Database, int, datetime], Awaitable[int]]


class VerifierKeyMissing(Invalid):
    code = "evidence.key-missing"
    zh = "“{folder}”中没有本日志的 key.txt。"
    en = "There is no key.txt of this log in '{folder}'."


def origin_of(ledger_id: int) -> str:
    """The name of a market's log, in every checkpoint and in the name of its key."""
    return f"datamarket/{ledger_id}"


def sealer_of(settings: Settings, ledger_id: int | None = None) -> Sealer:
    """The sealer of a market; its key and its checkpoints stand below `var`, outside the database."""
    ledger = settings.ledger_id if ledger_id is None else ledger_id
    notary = Notary(origin_of(ledger), load_key(settings.var / "sealing-key.pem"))
    return Sealer(ledger, SOURCES, notary, settings.checkpoints)


async def seal_all(
    database: Database,
    settings: Settings,
    read_clock: Callable[[], datetime],
    told: Callable[[int], None] = lambda _leaves: None,
) -> int:
    """Pass after pass until nothing is left, and every checkpoint outside; how many leaves were added."""
    sealer, total = sealer_of(settings), 0
    await await_watermark(database)  # what is being written just now is sealed too
    while added := await sealer.seal(database, now=read_clock()):
        total += added
        told(total)
    async with database.connection() as connection:
        await sealer.keep_outside(connection, everything=True)
    return total


def chore_of(settings: Settings) -> Callable[[Database, int, datetime], Awaitable[int]]:
    """What housekeeping calls again and again: one pass, which says how many leaves it added."""
    sealers: dict[int, Sealer] = {}

    async def seal(database: Database, ledger_id: int, now: datetime) -> int:
        if ledger_id not in sealers:
            sealers[ledger_id] = sealer_of(settings, ledger_id)
        return await sealers[ledger_id].seal(database, now=now)

    return seal


def position_chore_of(settings: Settings) -> Chore:
    """The same, for how far writes have come since the last checkpoint: whether it was told outside."""
    keeper = PositionKeeper(sealer_of(settings))

    async def keep(database: Database, _ledger_id: int, now: datetime) -> int:
        return await keeper.keep(database, now=now)

    return keep


async def verify_log(
    url: str,
    settings: Settings,
    *,
    outside: Path | None = None,
    connections: int = 2,
    progress: verification.LeafProgress = unheard,
) -> Verdict:
    """The log against its rows, and against checkpoints kept in `outside`, which then names the key that counts.

    Raises VerifierKeyMissing when `outside` holds none.
    """
    sealer = sealer_of(settings)
    log, told = await _held_to(url, sealer, outside)
    async with verification.one_snapshot(url, connections) as opened:
        return await verify_against(opened, log, told, progress=progress)


async def _held_to(url: str, sealer: Sealer, folder: Path | None) -> tuple[Log, Outside]:
    """What is verified against which notes, read before the snapshot is taken: none may be ahead of it."""
    if folder is None:
        async with owner_connection(url) as connection:
            told = await Outside.of_market(connection, sealer)
        return Log(sealer.ledger_id, SOURCES, sealer.notary.reader), told
    try:
        reader = NoteReader.of_line(read_note(folder / "key.txt"))
    except NoteUntrusted:
        raise VerifierKeyMissing(folder=folder) from None
    return Log(sealer.ledger_id, SOURCES, reader), Outside.of(folder)


async def find_loss(
    url: str,
    settings: Settings,
    *,
    outside: Path | None = None,
    progress: verification.LeafProgress = unheard,
) -> AcceptedLoss:
    """What is missing of what the outside knows, after a failover or a restore. Raises NothingLost or LogBroken."""
    log, told = await _held_to(url, sealer_of(settings), outside)
    async with verification.one_snapshot(url, 2) as opened:
        verdict = await verify_against(opened, log, told, progress=progress)
        return await loss_of(opened[0], log, told, verdict)


async def export_log(url: str, settings: Settings, folder: Path) -> list[Path]:
    """The whole log of a market as files; the files written."""
    sealer = sealer_of(settings)
    async with verification.one_snapshot(url, 1) as [connection]:
        return await bundle.export(connection, Log(sealer.ledger_id, SOURCES, sealer.notary.reader), folder)
