"""How far writes had come, kept outside between two checkpoints: the newest checkpoint, and the rows that it has not.

Whatever committed before a row that is there is there too: the log of the server is lost from its end. So a position
whose checkpoint and rows are all in the database says that nothing is missing of what was answered before it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from datamarket.evidence.log.leaves import LeafSource
from datamarket.evidence.log.notes import NoteReader, NoteUntrusted
from datamarket.evidence.log.sealing import Sealer
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.documents.reading import read_at_most

log = logging.getLogger("datamarket.losses")
MOST_ROWS = 1000
"""Of each kind that a position names, the newest; how many more there were it counts."""
POSITION_BYTES = 256 * 1024
NEWEST = "position.txt"
Row = tuple[str, UUID]


@dataclass(frozen=True)
class WritePosition:
    """What had been written `at` an instant: of the server's log so far, under that checkpoint, and these rows beyond it."""

    at: datetime
    timeline: str
    lsn: str
    checkpoint: str | None
    rows: tuple[Row, ...]
    unnamed: int = 0

    def continues(self, before: "WritePosition") -> bool:
        """Whether the server's log has gone on from there: what committed before is then in it."""
        return self.timeline == before.timeline and _octet_of(self.lsn) >= _octet_of(before.lsn)

    def text(self, origin: str) -> str:
        told = {
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "timeline": self.timeline,
            "lsn": self.lsn,
            "checkpoint": self.checkpoint,
            "rows": [f"{kind} {row}" for kind, row in self.rows],
            "unnamed": self.unnamed,
        }
        return f"{origin} position\n{json.dumps(told, ensure_ascii=False)}\n"


def _octet_of(lsn: str) -> int:
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def position_of(note: str, reader: NoteReader) -> WritePosition | None:
    """The position that the key has signed; None for any other text."""
    try:
        head, _, told = reader.text_of(note).partition("\n")
    except NoteUntrusted:
        return None
    if head != f"{reader.origin} position":
        return None
    found: dict[str, Any] = json.loads(told)
    rows = tuple((kind, UUID(row)) for kind, row in (one.split(" ") for one in found.pop("rows")))
    return WritePosition(**found | {"at": datetime.fromisoformat(found["at"]), "rows": rows})


def positions_in(folder: Path) -> dict[str, str]:
    """The signed positions of a folder by name; an empty file is one that a power cut took."""
    found = {
        path.name: read_at_most(path, POSITION_BYTES).decode(errors="replace")
        for path in sorted(folder.glob("position*.txt"))
    }
    return {name: note for name, note in found.items() if note}


async def missing_of(
    connection: Connection, ledger_id: int, sources: Sequence[LeafSource], position: WritePosition
) -> list[Row]:
    """Rows of a position that are not in the database."""
    missing: list[Row] = []
    for source in sources:
        named = [row for kind, row in position.rows if kind == source.kind]
        gone = "SELECT id FROM unnest($2::uuid[]) AS n (id) WHERE NOT EXISTS"
        there = f"(SELECT FROM ({source.stored}) AS r WHERE r.id = n.id)"
        if named:
            found = await connection.fetch(f"{gone} {there}", ledger_id, named)
            missing += [(source.kind, row["id"]) for row in found]
    return missing


async def is_contained(connection: Connection, sealer: Sealer, position: WritePosition) -> bool:
    """Whether the database has all that the position names."""
    sealed = "SELECT EXISTS (SELECT FROM seal_block WHERE ledger_id = $1 AND checkpoint = $2 AND size = $3)"
    if position.checkpoint is not None:
        size = int(position.checkpoint.split("\n")[1])
        if not await connection.fetchval(sealed, sealer.ledger_id, position.checkpoint, size):
            return False
    return not await missing_of(connection, sealer.ledger_id, sealer.sources, position)


class PositionKeeper:
    """Writes how far writes have come; what stands there is first looked for, where it might be lost."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._looked = False

    async def keep(self, database: Database, *, now: datetime) -> bool:
        """False where nothing was written since the position that stands there.

        That one is read before the database is asked: another process may write it, and never of an older one.
        """
        sealer = self._sealer
        async with database.connection() as connection:
            folder = await sealer.place(connection)
            before = position_of(positions_in(folder).get(NEWEST, ""), sealer.notary.reader)
            position = await _read_position(connection, sealer, now)
            if before is not None:
                on = self._looked and position.continues(before)
                if not on and not await is_contained(connection, sealer, before):
                    put_aside(folder, before)
                elif (before.checkpoint, before.rows) == (position.checkpoint, position.rows):
                    return False
        self._looked = True
        if position.checkpoint is None and not position.rows:
            return False
        _replace(folder / NEWEST, sealer.notary.stamp(position.text(sealer.notary.origin)))
        return True


def put_aside(folder: Path, position: WritePosition) -> Path:
    """Under a name of its own, which nothing overwrites: what it names is evidence of a loss."""
    micros = (position.at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    aside = folder / f"position-{micros}.txt"
    log.error("writes that were acknowledged are gone: see %s, and `datamarket verify`", aside)
    if (folder / NEWEST).exists():
        (folder / NEWEST).replace(aside)
    return aside


_WRITTEN = """
SELECT pg_current_wal_lsn()::text AS lsn, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
       (SELECT checkpoint FROM block) AS checkpoint, {rows}
"""
_BLOCK = "WITH block AS (SELECT checkpoint, xid_below FROM seal_block WHERE ledger_id = $1 ORDER BY number DESC LIMIT 1)"
_BEYOND = "FROM ({stored}) AS r WHERE xid >= (SELECT coalesce(max(xid_below), 0) FROM block)"


async def _read_position(connection: Connection, sealer: Sealer, now: datetime) -> WritePosition:
    """In one statement, and so as of one instant."""
    columns = []
    for source in sealer.sources:
        beyond = _BEYOND.format(stored=source.stored)
        columns += [
            f"ARRAY(SELECT id {beyond} ORDER BY xid DESC, id LIMIT {MOST_ROWS}) AS {source.kind}",
            f"(SELECT count(*) {beyond}) AS {source.kind}_all",
        ]
    told = await connection.fetchrow(f"{_BLOCK} {_WRITTEN.format(rows=', '.join(columns))}", sealer.ledger_id)
    if told is None:  # one row, always
        raise LookupError
    rows = tuple((source.kind, row) for source in sealer.sources for row in told[source.kind])
    counted = sum(told[f"{source.kind}_all"] for source in sealer.sources)
    return WritePosition(now, told["timeline"], told["lsn"], told["checkpoint"], rows, counted - len(rows))


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, but not waited for on the disk: the next one comes in a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def digest_of(note: str) -> str:
    """By which an acceptance names a note."""
    return hashlib.sha256(note.encode()).hexdigest()[:32]
