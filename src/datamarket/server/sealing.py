"""`datamarket seal`, `verify`, `export-evidence`: the sealed log of entries and audit events."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from datamarket.evidence.log import bundle, verification
from datamarket.evidence.log.findings import Verdict
from datamarket.evidence.log.leaves import AUDIT_EVENTS
from datamarket.evidence.log.notes import Notary, NoteReader, NoteUntrusted, load_key
from datamarket.evidence.log.sealing import Sealer, await_watermark, notes_in, read_note
from datamarket.evidence.log.verification import Log
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
    reader = sealer.notary.reader
    if outside is not None:
        try:
            reader = NoteReader.of_line(read_note(outside / "key.txt"))
        except NoteUntrusted:
            raise VerifierKeyMissing(folder=outside) from None
        notes = notes_in(outside)
    else:  # before the snapshot is taken: a checkpoint may not be ahead of it
        async with owner_connection(url) as connection:
            notes = await sealer.kept_outside(connection)
    async with verification.one_snapshot(url, connections) as opened:
        return await verification.verify(
            opened, Log(sealer.ledger_id, SOURCES, reader), notes, progress=progress
        )


async def export_log(url: str, settings: Settings, folder: Path) -> list[Path]:
    """The whole log of a market as files; the files written."""
    sealer = sealer_of(settings)
    async with verification.one_snapshot(url, 1) as [connection]:
        return await bundle.export(connection, Log(sealer.ledger_id, SOURCES, sealer.notary.reader), folder)
