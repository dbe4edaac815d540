"""Verifying a log against its rows: every digest, leaf, node, root, signature taken anew, and compared.

Nothing stored is believed: not the digests beside the entries, not the leaves, not the blocks. What cannot be
taken anew is bound by a signature, and what a whole re-sealing would hide shows against checkpoints kept outside.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from datamarket.evidence.log.findings import Disagreement, Flaw, Verdict
from datamarket.evidence.log.leaves import LeafSource, leaf_hash
from datamarket.evidence.log.merkle import EMPTY_ROOT, TILE, Frontier, Node
from datamarket.evidence.log.notes import Checkpoint, NoteReader, NoteUntrusted
from datamarket.evidence.log.sealing import horizon_of, is_restored
from datamarket.evidence.log.tables import BLOCK_COLUMNS, Block
from datamarket.foundation.checks import unheard
from datamarket.foundation.db import Connection, owner_connection

CHUNK = 64 * TILE
NAMED = 5
LeafProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Log:
    """What is verified: a market's log, what goes into it, and whose signature counts."""

    ledger_id: int
    sources: Sequence[LeafSource]
    reader: NoteReader


@asynccontextmanager
async def one_snapshot(url: str, connections: int) -> AsyncIterator[list[Connection]]:
    """Connections of the owner that all see the database as it is at one instant."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(owner_connection(url)) for _ in range(connections)]
        begun = [connection.transaction(isolation="repeatable_read", readonly=True) for connection in opened]
        await begun[0].start()
        snapshot = await opened[0].fetchval("SELECT pg_export_snapshot()")
        for connection, transaction in zip(opened[1:], begun[1:], strict=True):
            await transaction.start()
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield opened


@dataclass
class _Walk:
    """The tree as it grows again from the stored leaves, and what it met on the way."""

    log: Log
    blocks: list[tuple[Block, str]]
    frontier: Frontier = field(default_factory=Frontier)
    nodes: list[Node] = field(default_factory=list)
    findings: list[Disagreement] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    parts: int = 0
    broken: bool = False
    _next: int = 0

    def run(self, first_index: int, hashes: Sequence[bytes | None]) -> None:
        """One stored run of leaves."""
        if self.broken:
            return
        if first_index != self.frontier.size:
            self.broken = True
            missing = min(first_index, self.frontier.size)
            self.findings.append(Disagreement(Flaw.LEAVES_MISSING, f"leaf {missing}", missing))
            return
        self.nodes += self.frontier.extend([one or b"" for one in hashes])
        if self._next < len(self.blocks) and self.frontier.size >= self.blocks[self._next][0].size:
            block, _ = self.blocks[self._next]
            self._next += 1
            self._close(block)

    def _close(self, block: Block) -> None:
        self.roots[self.frontier.size] = root = self.frontier.root()
        if (self.frontier.size, root, self.frontier.peaks) != (block.size, block.root, block.frontier):
            self.findings.append(Disagreement(Flaw.BLOCK_ROOT, f"block {block.number}"))

    def end(self) -> None:
        """Leaves beyond the last block, or blocks beyond the last leaf."""
        sealed = self.blocks[-1][0].size if self.blocks else 0
        if self.frontier.size != sealed and not self.broken:
            first = min(self.frontier.size, sealed)
            self.findings.append(Disagreement(Flaw.LEAVES_MISSING, f"leaf {first}", first))

    def chain(self) -> None:
        """Each block stands on the one before, and its signature covers all that it says."""
        size, root, below, epoch = 0, EMPTY_ROOT, 0, 1
        for number, (block, note) in enumerate(self.blocks, 1):
            opening = block.epoch == epoch + 1
            follows = (number, size, root, 0 if opening else below)
            if follows != (block.number, block.first_index, block.previous_root, block.xid_from) or not (
                opening or block.epoch == epoch
            ):
                self.findings.append(Disagreement(Flaw.BLOCK_CHAIN, f"block {block.number}"))
            told = Checkpoint(self.log.reader.origin, block.size, block.root, block.bound())
            if self._opened(note) != told:
                self.findings.append(Disagreement(Flaw.BLOCK_SIGNATURE, f"block {block.number}"))
            size, root, below, epoch = block.size, block.root, block.xid_below, block.epoch

    def outside(self, notes: Mapping[str, str]) -> None:
        """Checkpoints kept elsewhere: each must be signed, and say what the tree says at its size."""
        for name, note in notes.items():
            checkpoint = self._opened(note)
            if checkpoint is None:
                self.findings.append(Disagreement(Flaw.OUTSIDE_SIGNATURE, name))
            elif checkpoint.size > self.frontier.size:
                cut = self.frontier.size
                self.findings.append(Disagreement(Flaw.OUTSIDE_LONGER, f"{name}: from leaf {cut}", cut))
            elif self.roots.get(checkpoint.size) != checkpoint.root:
                self.findings.append(Disagreement(Flaw.OUTSIDE_ROOT, name))

    def _opened(self, note: str) -> Checkpoint | None:
        try:
            return self.log.reader.open(note)
        except NoteUntrusted:
            return None


async def verify(
    connections: Sequence[Connection],
    log: Log,
    outside: Mapping[str, str],
    *,
    progress: LeafProgress = unheard,
) -> Verdict:
    """Every finding, and the first bad leaf; `outside` are checkpoints kept elsewhere, by name."""
    first = connections[0]
    blocks = await _blocks_of(first, log.ledger_id)
    walk = _Walk(log, blocks)
    walk.chain()
    edge = await first.fetchval(
        "SELECT coalesce(max(first_index), -1) FROM seal_leaves WHERE ledger_id = $1", log.ledger_id
    )
    work = _Work(log, walk, edge + TILE if edge >= 0 else 0, progress)
    await work.done(connections)
    walk.end()
    walk.outside(outside)
    size = walk.frontier.size
    return Verdict(
        ledger_id=log.ledger_id,
        leaves=size,
        root=walk.frontier.root(),
        blocks=len(blocks),
        outside=len(outside),
        findings=tuple(sorted(walk.findings, key=lambda one: size if one.index is None else one.index)),
    )


async def _blocks_of(connection: Connection, ledger_id: int) -> list[tuple[Block, str]]:
    statement = f"SELECT {BLOCK_COLUMNS}, checkpoint FROM seal_block WHERE ledger_id = $1 ORDER BY number"  # noqa: S608 - constants
    return [(Block(*row[:-1]), row[-1]) for row in await connection.fetch(statement, ledger_id)]


_RUNS = """
SELECT first_index, hashes FROM seal_leaves
 WHERE ledger_id = $1 AND first_index >= $2 AND first_index < $3 ORDER BY first_index
"""
_LEAF_OF = """
SELECT kinds[$2 - first_index + 1] AS kind, ids[$2 - first_index + 1] AS id FROM seal_leaves
 WHERE ledger_id = $1 AND first_index <= $2::bigint ORDER BY first_index DESC LIMIT 1
"""
_LEAVES = """
leaf AS MATERIALIZED (
    SELECT first_index + position - 1 AS index, id, kind, hash
      FROM seal_leaves, unnest(ids, kinds, hashes) WITH ORDINALITY AS leaf (id, kind, hash, position)
     WHERE ledger_id = $1 AND first_index >= $2 AND first_index < $3
)"""


def _wanted(source: LeafSource) -> str:
    return f"ARRAY(SELECT id FROM leaf WHERE kind = '{source.kind}')"  # noqa: S608 - constants


async def _scopes(connection: Connection, sources: Sequence[LeafSource], bounds: Sequence[int]) -> list[str]:
    """SQL: for each source, the partitions that hold the rows of a chunk."""
    scopes = []
    for source in sources:
        keys: list[int] = []
        if source.scope is not None:
            asked = f"WITH {_LEAVES} {source.scope.format(wanted=_wanted(source))}"
            keys = [row[0] for row in await connection.fetch(asked, *bounds)]
        scopes.append("'{" + ",".join(map(str, sorted(keys))) + "}'")
    return scopes


def _judging(sources: Sequence[LeafSource], scopes: Sequence[str]) -> str:
    """SQL: which leaves of a chunk are not what their rows make; $2 and $3 bound the chunk."""
    judged = []
    for source, scope in zip(sources, scopes, strict=True):
        rows = source.recomputed.format(wanted=_wanted(source), scope=scope)
        judged.append(
            "SELECT leaf.index, r.parts, r.id IS NULL OR r.stored IS DISTINCT FROM r.digest"  # noqa: S608
            f" OR leaf.hash IS DISTINCT FROM {leaf_hash(source.kind)} AS bad"
            f" FROM leaf LEFT JOIN ({rows}) AS r ON r.id = leaf.id WHERE leaf.kind = '{source.kind}'"
        )
    kinds = ", ".join(f"'{source.kind}'" for source in sources)
    judged.append(f"SELECT index, 0, true FROM leaf WHERE (kind IN ({kinds})) IS NOT TRUE")  # noqa: S608 - constants
    return (
        f"WITH {_LEAVES}, judged AS MATERIALIZED ({' UNION ALL '.join(judged)})"  # noqa: S608 - constants
        " SELECT (SELECT coalesce(sum(parts), 0)::bigint FROM judged) AS parts,"
        f" ARRAY(SELECT index FROM judged WHERE bad ORDER BY index LIMIT {NAMED}) AS bad"
    )


@dataclass
class _Work:
    """What is asked of the database, shared out among connections that see one snapshot."""

    log: Log
    walk: _Walk
    edge: int
    progress: LeafProgress
    _ready: dict[int, Any] = field(default_factory=dict)
    _walked: int = 0

    async def done(self, connections: Sequence[Connection]) -> None:
        jobs: list[Callable[[Connection], Awaitable[None]]] = [self._unsealed, self._twice]
        jobs += [partial(self._chunk, start=start) for start in range(0, self.edge, CHUNK)]
        jobs.reverse()

        async def work(connection: Connection) -> None:
            await connection.execute(
                "SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off"
            )
            while jobs:
                await jobs.pop()(connection)

        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(work(connection))
        await self._nodes(connections[0])
        await self._parts(connections[0])

    async def _chunk(self, connection: Connection, *, start: int) -> None:
        bounds = (self.log.ledger_id, start, start + CHUNK)
        scopes = await _scopes(connection, self.log.sources, bounds)
        for verdict in await connection.fetch(_judging(self.log.sources, scopes), *bounds):
            self.walk.parts += verdict["parts"]
            for index in verdict["bad"]:
                [leaf] = await connection.fetch(_LEAF_OF, self.log.ledger_id, index)
                self.walk.findings.append(_bad_leaf(index, leaf["kind"], leaf["id"]))
        self._ready[start] = await connection.fetch(_RUNS, *bounds)
        while self._walked in self._ready:
            for run in self._ready.pop(self._walked):
                self.walk.run(run["first_index"], run["hashes"])
            self._walked += CHUNK
            self.progress(min(self._walked, self.edge), self.edge)

    async def _unsealed(self, connection: Connection) -> None:
        """Rows below the watermark that no leaf has; counted first, named when the count is wrong."""
        if not self.walk.blocks:
            return
        last = self.walk.blocks[-1][0]
        horizon = await horizon_of(connection)
        if is_restored(last, horizon):
            return  # the next pass opens an epoch, and takes whatever has no leaf
        given = (self.log.ledger_id, last.xid_below, horizon.beyond)
        outside = "(xid < $2 OR xid >= $3)"
        counts = " + ".join(
            f"(SELECT count(*) FROM ({source.stored}) AS r WHERE {outside})"  # noqa: S608 - constants
            for source in self.log.sources
        )
        if last.epoch == 1 and await connection.fetchval(f"SELECT {counts}", *given) == last.size:
            return
        for source in self.log.sources:
            rows = await connection.fetch(
                f"SELECT id FROM ({source.stored}) AS r WHERE {outside} AND NOT EXISTS (SELECT FROM seal_leaf"  # noqa: S608 - constants
                f" WHERE ledger_id = $1 AND seal_leaf.id = r.id AND kind = '{source.kind}') ORDER BY id LIMIT {NAMED}",
                *given,
            )
            self.walk.findings += [
                Disagreement(Flaw.ROW_UNSEALED, f"{source.kind} {row['id']}", None, source.kind, row["id"])
                for row in rows
            ]

    async def _twice(self, connection: Connection) -> None:
        distinct = "SELECT count(*) = count(DISTINCT id) FROM seal_leaf WHERE ledger_id = $1"
        if await connection.fetchval(distinct, self.log.ledger_id):
            return
        rows = await connection.fetch(
            "SELECT max(index) AS index, kind, id FROM seal_leaf WHERE ledger_id = $1 GROUP BY kind, id"  # noqa: S608 - constants
            f" HAVING count(*) > 1 ORDER BY 1 LIMIT {NAMED}",
            self.log.ledger_id,
        )
        self.walk.findings += [
            Disagreement(Flaw.LEAF_TWICE, f"{row['kind']} {row['id']}", row["index"], row["kind"], row["id"])
            for row in rows
        ]

    async def _nodes(self, connection: Connection) -> None:
        """Stored roots of subtrees are those of the tree that has just grown again."""
        if self.walk.broken:
            return
        rows = await connection.fetch(
            "SELECT level, index, hash FROM seal_node WHERE ledger_id = $1", self.log.ledger_id
        )
        wrong = sorted(set(self.walk.nodes) ^ {Node(*row) for row in rows})
        self.walk.findings += [
            Disagreement(Flaw.NODE, f"node {level}/{index}") for level, index, _ in wrong[:NAMED]
        ]

    async def _parts(self, connection: Connection) -> None:
        """What stands under no row at all; looked for when there is more than stands under sealed rows."""
        for source in self.log.sources:
            if source.parts is None or source.strays is None:
                continue
            if await connection.fetchval(source.parts, self.log.ledger_id) == self.walk.parts:
                continue
            rows = await connection.fetch(f"{source.strays} LIMIT {NAMED}", self.log.ledger_id)
            self.walk.findings += [Disagreement(Flaw.STRAY, row[0]) for row in rows]


def _bad_leaf(index: int, kind: str | None, row_id: UUID | None) -> Disagreement:
    return Disagreement(Flaw.LEAF_ROW, f"leaf {index}: {kind} {row_id}", index, kind, row_id)
