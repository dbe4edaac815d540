"""Proofs from the log: that a row is in it, and that a later tree begins with an earlier one.

A proof reads the leaves of two tiles and some hundred stored nodes, however long the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from datamarket.evidence.log.leaves import AUDIT_EVENTS, LeafSource
from datamarket.evidence.log.merkle import (
    TILE,
    TILE_LEVEL,
    LeafRange,
    consistency_ranges,
    fold,
    inclusion_ranges,
    node_hash,
    split_at,
)
from datamarket.foundation.db import Connection, PageAsked
from datamarket.foundation.errors import Conflict, Invalid, NotFound


class NothingSealed(NotFound):
    code = "evidence.nothing-sealed"
    zh = "尚未封存任何记录，还没有检查点。"
    en = "Nothing is sealed yet: there is no checkpoint."


class SizeUnknown(NotFound):
    code = "evidence.size-unknown"
    zh = "没有规模为 {size} 的检查点；请从检查点列表中取一个规模。"
    en = "No checkpoint has the size {size}; take one from the list of checkpoints."


class NotSealedYet(Conflict):
    code = "evidence.not-sealed-yet"
    zh = "该记录尚未封存在规模为 {size} 的日志中；稍后会封存，或请换用更晚的检查点。"
    en = "It is not in the log of size {size}; it will be sealed in a moment, or ask for a later checkpoint."
    retryable = True


class SizesReversed(Invalid):
    code = "evidence.sizes-reversed"
    zh = "起始规模 {old} 大于终止规模 {new}。"
    en = "The size to begin with, {old}, is larger than the size to end with, {new}."


class SealedCheckpoint(NamedTuple):
    """One checkpoint of a log, with the signed text."""

    size: int
    leaves: int
    root: bytes
    sealed_at: datetime
    note: str


@dataclass(frozen=True)
class Inclusion:
    """That the leaf at `index`, made of these fields, is in the tree that the checkpoint signs."""

    kind: str
    id: UUID
    xid: int
    digest: bytes
    index: int
    path: list[bytes]
    checkpoint: SealedCheckpoint


_COLUMNS = "SELECT size, leaves, root, sealed_at, checkpoint FROM seal_block WHERE ledger_id = $1"


async def list_checkpoints(
    connection: Connection, ledger_id: int, *, page: PageAsked[int]
) -> list[SealedCheckpoint]:
    """Newest first; `after` is the size of the last one of the page before."""
    statement = f"{_COLUMNS} AND size < coalesce($2, 9223372036854775807) ORDER BY size DESC LIMIT $3"
    rows = await connection.fetch(statement, ledger_id, page.after, page.limit + 1)
    return [SealedCheckpoint(*row) for row in rows]


async def get_checkpoint(connection: Connection, ledger_id: int, size: int | None) -> SealedCheckpoint:
    """The newest, or the one of a size. Raises NothingSealed or SizeUnknown."""
    if size is None:
        rows = await list_checkpoints(connection, ledger_id, page=PageAsked(0))
        if not rows:
            raise NothingSealed
        return rows[0]
    row = await connection.fetchrow(f"{_COLUMNS} AND size = $2", ledger_id, size)
    if row is None:
        raise SizeUnknown(size=size)
    return SealedCheckpoint(*row)


_BLOCKS_WITH = """
SELECT first_index, size FROM seal_block WHERE ledger_id = $1 AND xid_from = 0 AND xid_last >= $2
UNION
SELECT b.first_index, b.size FROM generate_series(1, (SELECT coalesce(max(epoch), 0) FROM seal_block WHERE ledger_id = $1)) AS e,
       LATERAL (SELECT first_index, size, xid_from FROM seal_block
                 WHERE ledger_id = $1 AND epoch = e AND xid_last >= $2 AND xid_from > 0 ORDER BY xid_last LIMIT 1) AS b
 WHERE b.xid_from <= $2
"""
"""The blocks that may hold a row of a transaction: one of each epoch, and those that open one."""
_INDEX_IN = """
SELECT first_index + position - 1
  FROM seal_leaves, unnest(ids, kinds) WITH ORDINALITY AS leaf (id, kind, position)
 WHERE ledger_id = $1 AND first_index >= $2 AND first_index < $3 AND id = $4 AND kind = $5
"""


async def _index_of(connection: Connection, ledger_id: int, kind: str, row_id: UUID, xid: int) -> int | None:
    for first_index, size in await connection.fetch(_BLOCKS_WITH, ledger_id, xid):
        index: int | None = await connection.fetchval(_INDEX_IN, ledger_id, first_index, size, row_id, kind)
        if index is not None:
            return index
    return None


async def position_of(connection: Connection, ledger_id: int, event_id: UUID) -> int | None:
    """The leaf of an audit event; none while it is not sealed, or not there."""
    stored = f"SELECT xid FROM ({AUDIT_EVENTS.stored}) AS r WHERE id = $2"  # noqa: S608 - constants
    xid = await connection.fetchval(stored, ledger_id, event_id)
    return None if xid is None else await _index_of(connection, ledger_id, AUDIT_EVENTS.kind, event_id, xid)


async def prove_inclusion(
    connection: Connection, ledger_id: int, sources: Sequence[LeafSource], row_id: UUID, size: int | None
) -> Inclusion:
    """Raises NothingSealed, SizeUnknown, NotSealedYet, and NotFound for what is neither entry nor event."""
    for source in sources:
        found = await connection.fetchrow(
            f"SELECT xid, digest FROM ({source.stored}) AS r WHERE id = $2",  # noqa: S608 - constants
            ledger_id,
            row_id,
        )
        if found is not None:
            break
    else:
        raise NotFound(thing="entry or audit event")
    checkpoint = await get_checkpoint(connection, ledger_id, size)
    index = await _index_of(connection, ledger_id, source.kind, row_id, found["xid"])
    if index is None or index >= checkpoint.size:
        raise NotSealedYet(size=checkpoint.size)
    path = await _hashes(connection, ledger_id, inclusion_ranges(index, checkpoint.size))
    return Inclusion(source.kind, row_id, found["xid"], found["digest"], index, path, checkpoint)


async def prove_together(
    connection: Connection, ledger_id: int, source: LeafSource, row_ids: Sequence[UUID]
) -> list[Inclusion]:
    """That each row is in the earliest checkpoint that holds them all: whoever asks later is answered the same.

    Raises NothingSealed, NotSealedYet and NotFound.
    """
    newest = [await prove_inclusion(connection, ledger_id, [source], row_id, None) for row_id in row_ids]
    last = max(proof.index for proof in newest)
    size = await connection.fetchval(
        "SELECT min(size) FROM seal_block WHERE ledger_id = $1 AND size > $2", ledger_id, last
    )
    return [await prove_inclusion(connection, ledger_id, [source], row_id, size) for row_id in row_ids]


async def prove_consistency(
    connection: Connection, ledger_id: int, old: int, new: int
) -> tuple[SealedCheckpoint, SealedCheckpoint, list[bytes]]:
    """Both checkpoints, and the proof between them. Raises SizesReversed or SizeUnknown."""
    if old > new:
        raise SizesReversed(old=old, new=new)
    first = await get_checkpoint(connection, ledger_id, old)
    second = await get_checkpoint(connection, ledger_id, new)
    return first, second, await _hashes(connection, ledger_id, consistency_ranges(old, new))


async def _hashes(connection: Connection, ledger_id: int, ranges: Sequence[LeafRange]) -> list[bytes]:
    return [await _root_of(connection, ledger_id, of) for of in ranges]


_TILE = "SELECT hashes FROM seal_leaves WHERE ledger_id = $1 AND first_index >= $2 AND first_index < $3 ORDER BY first_index"
_NODES = "SELECT hash FROM seal_node WHERE ledger_id = $1 AND level = $2 AND index >= $3 AND index < $4 ORDER BY index"


async def _root_of(connection: Connection, ledger_id: int, of: LeafRange) -> bytes:
    """The root of a subtree: a complete one from the stored level below it, any other from its two halves."""
    if of.size & (of.size - 1):
        half = split_at(of.size)
        left = await _root_of(connection, ledger_id, LeafRange(of.first, half))
        return node_hash(
            left, await _root_of(connection, ledger_id, LeafRange(of.first + half, of.size - half))
        )
    level = (of.size.bit_length() - 1) // TILE_LEVEL * TILE_LEVEL
    if level:
        first, many = of.first >> level, of.size >> level
        rows = await connection.fetch(_NODES, ledger_id, level, first, first + many)
        return fold([row["hash"] for row in rows])
    tile = of.first // TILE * TILE
    runs = await connection.fetch(_TILE, ledger_id, tile, tile + TILE)
    leaves = [one for run in runs for one in run["hashes"]]
    return fold(leaves[of.first - tile : of.first - tile + of.size])
