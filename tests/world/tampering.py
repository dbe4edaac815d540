"""A superuser's hand on a sealed market: the table of deeds, and whether those who verify find what was done.

Each deed is done inside a transaction with every trigger off, is looked for by `datamarket verify`'s code, by
tools/verify_evidence.py on an exported bundle and by `datamarket check`, and is rolled back. Where a leaf is
concerned, which one is known beforehand, and both verifiers must name it as the first bad one.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
import yaml

from datamarket.evidence.log.bundle import export
from datamarket.evidence.log.leaves import leaf_hash
from datamarket.evidence.log.merkle import EMPTY_ROOT, Frontier
from datamarket.evidence.log.notes import Checkpoint
from datamarket.evidence.log.sealing import Sealer
from datamarket.evidence.log.tables import BLOCK_COLUMNS, Block
from datamarket.evidence.log.verification import Log, verify
from datamarket.foundation import checks
from datamarket.foundation.checks import Check
from datamarket.server.checks import CHECKS
from datamarket.server.sealing import SOURCES
from tests.world.sealing import tool

TABLE = Path(__file__).with_name("deeds.yaml")
GROWN_ANEW = "change an entry and grow the tree anew"


class Shows(StrEnum):
    """Where both verifiers must point; nothing: the fault lies in no single leaf."""

    ENTRY = "the entry"
    ENTRIES = "the earlier of two entries"
    EVENT = "the audit event"
    EVENTS = "the earlier of two audit events"
    LEAF = "the leaf"
    RUN = "the first leaf of the run"
    TAIL = "the first leaf of the block"
    NOTHING = "no single leaf"


@dataclass(frozen=True)
class Deed:
    """What is done, whose leaf shows it, and whether the rows alone show it to `datamarket check`."""

    name: str
    statements: list[str]
    shows: Shows
    seen_by_check: bool


def _read(table: Path) -> Iterator[Deed]:
    told = yaml.safe_load(table.read_text(encoding="utf-8"))
    for heading, values in zip(told["columns"][::2], told["columns"][1::2], strict=True):
        for column, value in values.items():
            statement = f"UPDATE {heading['table']} SET {column} = {value} WHERE {heading['where']}"  # noqa: S608 - the table's own
            name = f"change {column} of {heading['table']}"
            yield Deed(name, [statement], Shows(heading["shows"]), heading.get("seen_by_check", True))
    for heading, deeds in zip(told["deeds"][::2], told["deeds"][1::2], strict=True):
        for name, statements in deeds.items():
            yield Deed(name, statements, Shows(heading["shows"]), heading.get("seen_by_check", True))


DEEDS = {deed.name: deed for deed in _read(TABLE)}


class NothingDone(Exception):
    """A tampering that changed no row proves nothing: the harness is wrong."""


@dataclass
class Outcome:
    """How the tamperings went, by deed; a missed one is told with what was done."""

    done: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    not_as_the_table_says: list[str] = field(default_factory=list)
    """Deeds that `datamarket check` sees and should not, or should and does not."""
    seconds: float = 0

    @property
    def seen_by_check(self) -> int:
        """How many of the deeds `datamarket check` sees as well."""
        return sum(DEEDS[name].seen_by_check for name in self.done)

    @property
    def complete(self) -> bool:
        """Every deed was done and found, and each finding named what the table says."""
        wrong = self.missed or self.misnamed or self.not_as_the_table_says
        return set(self.done) == set(DEEDS) and not wrong


@dataclass(frozen=True)
class Range:
    """A sealed market to tamper with: who may do everything, whose key counts, what was kept outside."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    sealer: Sealer
    bundle: Path
    checker: ModuleType
    leaves: list[tuple[UUID, str]]
    sound: Sequence[Check]
    """Invariants that the untouched rows keep: entries here belong to no trade."""

    outside: Path
    """Where the checkpoints are kept."""

    def notes(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in self.outside.glob("[0-9]*.txt")}

    async def findings(self, *, outside: bool = True) -> tuple[Any, Any]:
        """What each of the two verifiers says now, inside the transaction that tampers."""
        log = Log(self.sealer.ledger_id, self.sealer.sources, self.sealer.notary.reader)
        notes = self.notes() if outside else {}
        own = await verify([self.connection], log, notes)
        await export(self.connection, log, self.bundle)
        try:
            other = self.checker.verify(
                self.bundle, self.outside if outside else None, self.sealer.notary.reader.line
            )
        except (ValueError, KeyError) as error:
            other = self.checker.Report(findings=[(f"cannot be read: {error!r}", None)])
        return own, other

    async def seen_by_check(self) -> bool:
        """Whether an invariant of `datamarket check` that held does so no longer."""
        findings = await checks.run(self.connection, self.sealer.ledger_id, self.sound)
        return not all(finding.holds for finding in findings)

    async def tamper(self, seed: int, *, rounds: int = 1, seconds: float = float("inf")) -> Outcome:
        """Every deed once, then again on other rows while there is time; each looked for and rolled back."""
        chance, outcome, begun = random.Random(seed), Outcome(), time.monotonic()
        for turn in range(rounds):
            for deed in DEEDS.values():
                if turn and time.monotonic() > begun + seconds:
                    break
                await self._try(deed, chance, outcome)
        outcome.seconds = time.monotonic() - begun
        return outcome

    async def _try(self, deed: Deed, chance: random.Random, outcome: Outcome) -> None:
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            expected = await self._do(deed, chance)
            own, other = await self.findings()
            seen = await self.seen_by_check()
        finally:
            await transaction.rollback()
        outcome.done[deed.name] += 1
        told = (own.first_bad_leaf.index if own.first_bad_leaf else None, other.first_bad_leaf)
        if own.holds or other.holds:
            outcome.missed.append(f"{deed.name}: own {own.findings[:2]}, other {other.findings[:2]}")
        elif expected is not None and told != (expected, expected):
            outcome.misnamed.append(f"{deed.name}: leaf {expected}, but {told}; {own.findings[:3]}")
        if seen != deed.seen_by_check:
            outcome.not_as_the_table_says.append(deed.name)

    async def _do(self, deed: Deed, chance: random.Random) -> int | None:
        """The deed on rows that chance draws; the leaf that must show it first."""
        await self.connection.execute("SET LOCAL session_replication_role = replica")
        drawn, leaf = await self._draw(deed, chance)
        for place, statement in enumerate(deed.statements):
            done = await self.connection.execute(statement.format_map(drawn))
            if place == 0 and done.endswith(" 0"):
                raise NothingDone(statement)
        if deed.name == GROWN_ANEW:
            await grow_anew(self.connection, self.sealer.ledger_id)
        return leaf

    async def _draw(self, deed: Deed, chance: random.Random) -> tuple[dict[str, Any], int | None]:
        wanted = "audit" if deed.shows in {Shows.EVENT, Shows.EVENTS} else "entry"
        row, other = chance.sample([i for i, (_, kind) in enumerate(self.leaves) if kind == wanted], 2)
        event = chance.choice([i for i, (_, kind) in enumerate(self.leaves) if kind == "audit"])
        leaf = chance.randrange(len(self.leaves))
        blocks = await self.connection.fetch("SELECT number, first_index FROM seal_block ORDER BY number")
        number, first = chance.choice(blocks[-5:-1])  # the last one could be deleted unseen in the database
        run = await self.connection.fetchval(
            "SELECT max(first_index) FROM seal_leaves WHERE first_index <= $1", leaf
        )
        drawn = {
            "row": f"'{self.leaves[row][0]}'::uuid",
            "other": f"'{self.leaves[other][0]}'::uuid",
            "event": f"'{self.leaves[event][0]}'::uuid",
            "fresh": f"'{UUID(int=chance.getrandbits(128))}'::uuid",
            "byte": chance.randrange(32),
            "bit": 1 << chance.randrange(8),
            "some": chance.randrange(1, 500),
            "run": run,
            "place": leaf - run + 1,
            "number": number,
            "first": first,
        }
        two = {Shows.ENTRIES, Shows.EVENTS}
        shown = {Shows.LEAF: leaf, Shows.RUN: run, Shows.TAIL: first, Shows.NOTHING: None}
        return drawn, shown.get(deed.shows, min(row, other) if deed.shows in two else row)

    async def untouched(self) -> bool:
        """Nothing is found where nothing was done."""
        async with self.connection.transaction():
            own, other = await self.findings()
            return bool(own.holds and other.holds) and not await self.seen_by_check()

    async def sealed_anew_with_the_key(self, seed: int) -> tuple[bool, bool]:
        """(found without what was kept outside, found with it), after a whole re-sealing with the stolen key."""
        transaction = self.connection.transaction()
        await transaction.start()
        await self._do(DEEDS[GROWN_ANEW], random.Random(seed))
        statement = f"SELECT {BLOCK_COLUMNS} FROM seal_block ORDER BY number"  # noqa: S608 - constants
        for values in await self.connection.fetch(statement):
            block = Block(*values)
            note = self.sealer.notary.sign(
                Checkpoint(self.sealer.notary.origin, block.size, block.root, block.bound())
            )
            await self.connection.execute(
                "UPDATE seal_block SET checkpoint = $2 WHERE number = $1", block.number, note
            )
        alone = [not one.holds for one in await self.findings(outside=False)]
        beside = [not one.holds for one in await self.findings()]
        await transaction.rollback()
        return any(alone), all(beside)


async def grow_anew(connection: "asyncpg.Connection[asyncpg.Record]", ledger_id: int) -> None:
    """Hash all leaves from the rows as they are now, and rebuild the log over them, checkpoints apart."""
    leaves = " UNION ALL ".join(
        f"SELECT {leaf_hash(source.kind)} AS hash, r.id FROM ({source.stored}) AS r"  # noqa: S608 - constants
        for source in SOURCES
    )
    hashes = {row["id"]: row["hash"] for row in await connection.fetch(leaves, ledger_id)}
    frontier, previous = Frontier(), EMPTY_ROOT
    runs = await connection.fetch("SELECT first_index, ids FROM seal_leaves ORDER BY first_index")
    ends = {row["size"] for row in await connection.fetch("SELECT size FROM seal_block")}
    for run in runs:
        fresh = [hashes[one] for one in run["ids"]]
        await connection.execute(
            "UPDATE seal_leaves SET hashes = $2 WHERE first_index = $1", run["first_index"], fresh
        )
        for node in frontier.extend(fresh):
            await connection.execute("UPDATE seal_node SET hash = $3 WHERE level = $1 AND index = $2", *node)
        if frontier.size in ends:
            await connection.execute(
                "UPDATE seal_block SET root = $2, previous_root = $3, frontier = $4 WHERE size = $1",
                frontier.size,
                frontier.root(),
                previous,
                frontier.peaks,
            )
            previous = frontier.root()


async def range_of(url: str, sealer: Sealer, bundle: Path) -> Range:
    """A range on a market that is sealed already; the caller closes its connection."""
    connection = await asyncpg.connect(url)
    leaves = await connection.fetch("SELECT id, kind FROM seal_leaf ORDER BY index")
    findings = await checks.run(connection, sealer.ledger_id, CHECKS)
    sound = [finding.check for finding in findings if finding.holds]
    ids = [(leaf["id"], leaf["kind"]) for leaf in leaves]
    return Range(connection, sealer, bundle, tool(), ids, sound, await sealer.place(connection))
