"""Sealing: one pass takes what committed transactions wrote below the watermark, and signs the tree that it makes.

The watermark is the oldest transaction still running: below it nothing can appear any more. An order by id, or
by time, would pass over the rows of whoever commits late.

Checkpoints kept outside have a folder for each database, since two markets may share a ledger's number: a demo
and a real one. A database is known by its server and its name there, which no statement in it can change; a market
that was restored elsewhere is known by its first checkpoint, which its backup brings along.

A restored database may count transactions from a lower number than its rows carry. Then an epoch begins: all
rows without a leaf are taken at once, and from there on a row is taken only if no earlier block has it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.evidence import actions
from datamarket.evidence.log.leaves import LeafSource, leaf_hash
from datamarket.evidence.log.merkle import EMPTY_ROOT, TILE, Frontier, Node
from datamarket.evidence.log.notes import Checkpoint, Notary
from datamarket.evidence.log.tables import BLOCK_COLUMNS, Block
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.documents.reading import read_at_most

NOTE_BYTES = 4096
"""Of a checkpoint and of a key: many times what one has."""
PASS_ROWS = 65_536
"""A pass is cut behind the transaction that has the last of so many rows."""
SEALER = Actor(UUID("7d0c5ea1-0000-5000-8000-5ea1e5000001"), None, frozenset())
"""Who begins an epoch, unless people do: the market itself."""
BEGIN_EPOCH = "evidence.begin-epoch"


class Horizon(NamedTuple):
    """Where transactions stand: all below `below` have ended, none at or above `beyond` has begun."""

    below: int
    beyond: int
    system_identifier: int


class Opening(NamedTuple):
    """Who begins an epoch, with what its event tells besides."""

    actor: Actor
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Reach:
    """Which transactions' rows a pass takes; an `opening` one takes whatever has no leaf yet."""

    first: int
    below: int
    epoch: int
    opening: bool = False


_BEYOND = "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
"""Asked within the statement that compares: the snapshot must be the one that the rows are seen by."""
_HORIZON = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, system_identifier
  FROM pg_current_snapshot() AS s, pg_control_system()
"""


async def horizon_of(connection: Connection) -> Horizon:
    """The watermark, and which server counts it."""
    row = await connection.fetchrow(_HORIZON)
    return Horizon(*row) if row is not None else Horizon(0, 0, 0)


async def place_of(connection: Connection) -> str:
    """The database as the name of a folder: the server's system identifier, and the name on it."""
    named = "SELECT system_identifier || '-' || current_database() FROM pg_control_system()"
    return quote(await connection.fetchval(named), safe="")


async def await_watermark(database: Database, *, seconds: int = 30) -> bool:
    """Wait until whatever runs on the server now is over, since it holds the watermark back; false when time is up."""
    async with database.connection() as connection:
        running = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        for _ in range(seconds * 50):
            if (await horizon_of(connection)).below >= running:
                return True
            await connection.execute("SELECT pg_sleep(0.02)")
    return False


async def last_block(connection: Connection, ledger_id: int) -> Block | None:
    """The newest block of a log."""
    statement = f"SELECT {BLOCK_COLUMNS} FROM seal_block WHERE ledger_id = $1 ORDER BY number DESC LIMIT 1"  # noqa: S608 - constants
    row = await connection.fetchrow(statement, ledger_id)
    return Block(*row) if row is not None else None


def is_restored(last: Block | None, horizon: Horizon) -> bool:
    """Whether transactions are counted anew since the last block."""
    return last is not None and (
        horizon.system_identifier != last.system_identifier or horizon.below < last.xid_below
    )


@dataclass(frozen=True)
class Sealer:
    """The log of one market: what goes in, who signs, and where checkpoints are kept outside the database."""

    ledger_id: int
    sources: Sequence[LeafSource]
    notary: Notary
    folder: Path

    async def seal(
        self, database: Database, *, now: datetime, rows: int = PASS_ROWS, opening: Opening | None = None
    ) -> int:
        """One pass; how many leaves it added. None while another process seals this log, or nothing is new.

        One with an `opening` begins an epoch, and its event always has a leaf.
        """
        async with database.plain_transaction() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, 2)", self.ledger_id):
                return 0
            await connection.execute("SET LOCAL work_mem = '64MB'")  # a pass sorts its rows
            last = await last_block(connection, self.ledger_id)
            leaves = await self._take(connection, last, opening, now=now, rows=rows)
        async with database.connection() as connection:
            await self.keep_outside(connection)
        return leaves

    async def _take(
        self, connection: Connection, last: Block | None, opening: Opening | None, *, now: datetime, rows: int
    ) -> int:
        horizon = await horizon_of(connection)
        restored = is_restored(last, horizon) or (last is None and await self._holds_foreign(connection))
        if opening or restored:
            epoch = last.epoch + 1 if last else 1
            facts = {"epoch": epoch, "ledger_id": self.ledger_id}
            await _tell_of_epoch(connection, facts, horizon, opening or Opening(SEALER, {}), now=now)
            reach = Reach(0, horizon.below, epoch, opening=True)
            return await self._add(connection, last, reach, horizon.system_identifier, now=now)
        first, epoch = (last.xid_below, last.epoch) if last else (0, 1)
        while first < horizon.below:
            below = await self._cut(connection, first, horizon.below, rows)
            reach = Reach(first, below, epoch)
            added = await self._add(connection, last, reach, horizon.system_identifier, now=now)
            if added or below == horizon.below:
                return added
            first = below  # all of these were sealed in an earlier epoch
        return 0

    async def _holds_foreign(self, connection: Connection) -> bool:
        """Whether some row was written by a transaction that has not begun: a dump brought it."""
        statement = " UNION ALL ".join(
            f"SELECT 1 FROM ({source.stored}) AS r WHERE xid >= {_BEYOND}"  # noqa: S608 - constants
            for source in self.sources
        )
        return bool(await connection.fetchval(f"SELECT EXISTS ({statement})", self.ledger_id))

    async def _cut(self, connection: Connection, first: int, below: int, rows: int) -> int:
        """Where to end a pass so that it takes about so many rows of a source, and every transaction wholly.

        Each source is asked alone: its index gives the answer without a look at the rest of a backlog.
        """
        lowest, cut = below, below
        for source in self.sources:
            ordered = (
                f"SELECT xid FROM ({source.stored}) AS r WHERE xid >= $2 AND xid < $3 ORDER BY xid"  # noqa: S608 - constants
                " OFFSET $4 LIMIT 1"
            )
            begins = await connection.fetchval(ordered, self.ledger_id, first, below, 0)
            ends = await connection.fetchval(ordered, self.ledger_id, first, below, rows)
            lowest = min(lowest, below if begins is None else begins)
            cut = min(cut, below if ends is None else ends)
        return cut if cut > lowest else min(cut + 1, below)

    async def _add(
        self,
        connection: Connection,
        last: Block | None,
        reach: Reach,
        server: int,
        *,
        now: datetime,
    ) -> int:
        size = last.size if last else 0
        sealed = await self._write_leaves(connection, size, reach)
        if not sealed:
            return 0
        frontier = Frontier(size, last.frontier if last else ())
        nodes = [node for run in sealed for node in frontier.extend(run["hashes"])]
        await _write_nodes(connection, self.ledger_id, nodes)
        block = Block(
            number=last.number + 1 if last else 1,
            first_index=size,
            leaves=frontier.size - size,
            size=frontier.size,
            root=frontier.root(),
            previous_root=last.root if last else EMPTY_ROOT,
            frontier=frontier.peaks,
            epoch=reach.epoch,
            system_identifier=server,
            xid_from=last.xid_below if last and not reach.opening else 0,
            xid_below=reach.below,
            xid_last=max(run["last"] for run in sealed),
            sealed_at=now,
        )
        checkpoint = Checkpoint(self.notary.origin, block.size, block.root, block.bound())
        values = [self.ledger_id, *block, self.notary.sign(checkpoint)]
        slots = ", ".join(f"${slot}" for slot in range(1, len(values) + 1))
        await connection.execute(
            f"INSERT INTO seal_block (ledger_id, {BLOCK_COLUMNS}, checkpoint) VALUES ({slots})",  # noqa: S608 - constants
            *values,
        )
        return block.leaves

    async def _write_leaves(self, connection: Connection, size: int, reach: Reach) -> list[Any]:
        """The runs that were added, in their order: their hashes, and their highest transaction."""
        if reach.opening:
            taken = "SELECT id FROM seal_leaf WHERE ledger_id = $1"
            within = f"(xid < $3 OR xid >= {_BEYOND} OR xid = pg_current_xact_id()::text::bigint) AND $4::bigint = 0"
        else:
            again = await connection.fetch(
                _OVERLAPPING, self.ledger_id, reach.first, reach.below, reach.epoch
            )
            taken = " UNION ALL ".join(_BLOCK_LEAVES.format(**row) for row in again)
            within = "xid >= $4 AND xid < $3"
        unsealed = " AND NOT EXISTS (SELECT FROM taken WHERE taken.id = r.id)" if taken else ""
        rows = " UNION ALL ".join(
            f"SELECT xid, '{source.kind}' AS kind, id, {leaf_hash(source.kind)} AS hash"  # noqa: S608 - constants
            f" FROM ({source.stored}) AS r WHERE {within}{unsealed}"
            for source in self.sources
        )
        statement = _WRITE_LEAVES.format(
            taken=f"taken AS MATERIALIZED ({taken})," if taken else "", rows=rows
        )
        return await connection.fetch(statement, self.ledger_id, size, reach.below, reach.first)

    async def place(self, connection: Connection) -> Path:
        """The folder of this database's checkpoints."""
        return self.folder / str(self.ledger_id) / await place_of(connection)

    async def folders_outside(self, connection: Connection) -> list[Path]:
        """This database's folder, and each that begins with the same checkpoint.

        Those are of the market before it was restored here, or of the release that had one folder for all. As long
        as nothing was sealed here by a later one, that folder counts whole.
        """
        own = await self.place(connection)
        flat = own.parent
        first = await connection.fetchrow(_FIRST_CHECKPOINT, self.ledger_id)
        counting = own if own.is_dir() else flat

        def begun(folder: Path) -> bool:
            return first is not None and read_note(folder / f"{first['size']}.txt") == first["checkpoint"]

        known = dict.fromkeys((own, flat, *sorted(flat.glob("*-*"))))
        return [folder for folder in known if folder == counting or begun(folder)]

    async def kept_outside(self, connection: Connection) -> dict[str, str]:
        """The checkpoints of these folders by name."""
        kept: dict[str, str] = {}
        for folder in await self.folders_outside(connection):
            for name, note in notes_in(folder).items():
                kept.setdefault(note, f"{folder.name}/{name}")
        return {name: note for note, name in kept.items()}

    async def keep_outside(self, connection: Connection, *, everything: bool = False) -> int:
        """Write the checkpoints that the folder lacks, back to the newest that is there; how many they were."""
        folder = await self.place(connection)
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(folder / "key.txt", f"{self.notary.reader.line}\n")
        missing: dict[Path, str] = {}
        below = None
        while rows := await connection.fetch(_CHECKPOINTS, self.ledger_id, below):
            for row in rows:
                path = folder / f"{row['size']}.txt"
                if not path.exists():
                    missing[path] = row["checkpoint"]
                elif not everything:
                    rows = []
                    break
            if not rows:
                break
            below = rows[-1]["size"]
        for path in reversed(missing):  # oldest first: the newest being there says that all are
            _write_once(path, missing[path])
        return len(missing)


_OVERLAPPING = """
SELECT first_index, size FROM seal_block WHERE ledger_id = $1 AND xid_from = 0 AND xid_last >= $2
UNION
SELECT first_index, size FROM seal_block
 WHERE ledger_id = $1 AND epoch = ANY (ARRAY(SELECT generate_series(1, $4::int))) AND xid_last >= $2 AND xid_from < $3
"""
"""Blocks that may hold a row of these transactions: the openings of epochs, and those of earlier epochs."""
_BLOCK_LEAVES = (
    "SELECT unnest(ids) AS id FROM seal_leaves"
    " WHERE ledger_id = $1 AND first_index >= {first_index} AND first_index < {size}"
)
_WRITE_LEAVES = f"""
WITH {{taken}}
fresh AS MATERIALIZED (
    SELECT *, $2::bigint + row_number() OVER (ORDER BY xid, id, kind) - 1 AS index FROM ({{rows}}) AS r
), run AS MATERIALIZED (
    SELECT min(index) AS first_index, array_agg(id ORDER BY index) AS ids, array_agg(kind ORDER BY index) AS kinds,
           array_agg(hash ORDER BY index) AS hashes, max(xid) AS last
      FROM fresh GROUP BY index / {TILE}
), written AS (
    INSERT INTO seal_leaves (ledger_id, first_index, ids, kinds, hashes)
    SELECT $1, first_index, ids, kinds, hashes FROM run ORDER BY first_index
)
SELECT hashes, last FROM run ORDER BY first_index
"""  # noqa: S608 - constants
_FIRST_CHECKPOINT = "SELECT size, checkpoint FROM seal_block WHERE ledger_id = $1 ORDER BY number LIMIT 1"
_CHECKPOINTS = """
SELECT size, checkpoint FROM seal_block
 WHERE ledger_id = $1 AND size < coalesce($2, 9223372036854775807) ORDER BY size DESC LIMIT 100
"""


async def _write_nodes(connection: Connection, ledger_id: int, nodes: Sequence[Node]) -> None:
    if nodes:
        await connection.execute(
            "INSERT INTO seal_node (ledger_id, level, index, hash)"
            " SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bytea[])",
            ledger_id,
            *map(list, zip(*nodes, strict=True)),
        )


async def _tell_of_epoch(
    connection: Connection, facts: Mapping[str, int], horizon: Horizon, opening: Opening, *, now: datetime
) -> None:
    """The event is sealed by the very pass that it tells of, which therefore always has a leaf."""
    told = {**facts, "system_identifier": str(horizon.system_identifier), **opening.facts}
    event = actions.Event(opening.actor, UUID(int=facts["ledger_id"] << 64 | facts["epoch"]), told)
    await actions.record_many(connection, BEGIN_EPOCH, "epoch", [event], now=now)


def read_note(path: Path) -> str:
    """A note or a key, empty where there is none; what is no text is nothing that was signed."""
    return read_at_most(path, NOTE_BYTES).decode(errors="replace") if path.is_file() else ""


def notes_in(folder: Path) -> dict[str, str]:
    """The checkpoints of a folder by name."""
    return {path.name: read_note(path) for path in sorted(folder.glob("[0-9]*.txt")) if path.is_file()}


def _write_once(path: Path, text: str) -> bool:
    """False when the file was there; it appears whole, or not at all."""
    if path.exists():
        return False
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return True


async def sealing_lag(connection: Connection, ledger_id: int, now: datetime) -> timedelta:
    """How long the oldest audit event above the watermark has waited to be sealed; zero when none does."""
    oldest = await connection.fetchval(
        "SELECT min(at) FROM audit_event"
        " WHERE xid >= (SELECT coalesce(max(xid_below), 0) FROM seal_block WHERE ledger_id = $1)",
        ledger_id,
    )
    return max(now - oldest, timedelta()) if oldest is not None else timedelta()
