"""F3: a superuser tampers with a sealed market in every way we know; both verifiers find it, each time.

Each tampering happens inside a transaction with every trigger off, is looked for by `datamarket verify`'s code and
by tools/verify_evidence.py on an exported bundle, and is rolled back. Where a leaf is concerned, which one is
known beforehand, and both must name it as the first bad one.

Controls: what is not tampered with passes; a whole re-sealing with the stolen key passes where no checkpoint
was kept outside, and is found where one was.
"""

import importlib.util
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
from datamarket.evidence.bundle import export
from datamarket.evidence.notes import Checkpoint
from datamarket.evidence.sealing import BLOCK_COLUMNS, Block, Sealer, await_watermark
from datamarket.evidence.verification import Log, verify
from datamarket.sealing import sealer_of

from datamarket.auth.terms import Actor, Role
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.ledger import posting
from datamarket.ledger.terms import Account, AccountKind, EntryId, EntryKind, Leg, Posting
from datamarket.migrations.apply import create_database, migrate
from loadtests.faults.cluster import running_cluster
from loadtests.faults.proof import Proof
from loadtests.faults.tamperings import DEEDS, RECOMPUTE, Hand, grow_anew

TOOL = Path(__file__).parents[2] / "tools" / "verify_evidence.py"
BEGIN = datetime(2024, 3, 29, 4, 0, tzinfo=UTC)
PASSES = 10
ENTRIES_A_PASS = 30
EVENTS_A_PASS = 9
KINDS = (AccountKind.PROVIDER_INCOME, AccountKind.VENUE_FEE, AccountKind.VAT_PAYABLE, AccountKind.TREASURY)
CLERK = Actor(UUID(int=0xC1E4), UUID(int=0x0465), frozenset({Role.FINANCE}))


def tool() -> ModuleType:
    """The separate verifier, loaded from its file: it is no part of any package."""
    spec = importlib.util.spec_from_file_location("verify_evidence", TOOL)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_evidence"] = module
    spec.loader.exec_module(module)
    return module


async def sealed_market(database: Database, sealer: Sealer, chance: random.Random) -> None:
    """Some three hundred entries of two to five legs, across two months, with events, in ten blocks."""
    owners = [UUID(int=chance.getrandbits(128)) for _ in range(8)]
    ledger = sealer.ledger_id
    bank = Account(ledger, None, AccountKind.BANK)
    funds = [Account(ledger, owner, AccountKind.BUYER_FUNDS) for owner in owners]
    takers = [Account(ledger, owner, kind) for owner in owners for kind in KINDS]
    async with database.plain_transaction() as connection:
        await posting.open_accounts(connection, ledger, [bank, *funds, *takers], now=BEGIN)
        await _post(connection, ledger, [_deposit(bank, one, BEGIN) for one in funds], BEGIN)
    for turn in range(PASSES):
        now = BEGIN + timedelta(hours=8 * turn)
        async with database.plain_transaction() as connection:
            sales = [_sale(chance.choice(funds), takers, chance, now) for _ in range(ENTRIES_A_PASS)]
            await _post(connection, ledger, sales, now)
            events = [evidence.Event(CLERK, new_id(now), _facts(chance, turn)) for _ in range(EVENTS_A_PASS)]
            await evidence.record_many(connection, "trading.record", "trade", events, now=now)
            refund = Posting(
                id=EntryId(new_id(now)),
                kind=EntryKind.REFUND,
                effective_at=now,
                source_type="refund",
                source_id=new_id(now),
                actor_id=CLERK.account_id,
                legs=tuple(Leg(leg.account_id, Fen(-leg.amount_fen)) for leg in sales[0].legs),
                reverses=sales[0].id,
            )
            await _post(connection, ledger, [refund], now)
        await await_watermark(database)
        await sealer.seal(database, now=now)


async def _post(connection: Any, ledger: int, postings: Sequence[Posting], now: datetime) -> None:
    await posting.post(connection, ledger, postings, now=now)


def _facts(chance: random.Random, turn: int) -> dict[str, Any]:
    return {
        "amount_fen": chance.randrange(1, 10**9),
        "note": f"第{turn}批·batch {turn}",
        "free": False,
        "of": None,
    }


def _deposit(bank: Account, funds: Account, now: datetime) -> Posting:
    legs = (Leg(bank.id, Fen(10**12)), Leg(funds.id, Fen(-(10**12))))
    return _posting(EntryKind.DEPOSIT, "deposit", legs, now)


def _sale(funds: Account, takers: Sequence[Account], chance: random.Random, now: datetime) -> Posting:
    amounts = [Fen(-chance.randrange(1, 10**6)) for _ in range(chance.randrange(1, 5))]
    taking = chance.sample(takers, len(amounts))
    legs = [Leg(taker.id, amount) for taker, amount in zip(taking, amounts, strict=True)]
    return _posting(EntryKind.SETTLEMENT, "trade", (Leg(funds.id, Fen(-sum(amounts))), *legs), now)


def _posting(kind: EntryKind, source: str, legs: tuple[Leg, ...], now: datetime) -> Posting:
    return Posting(EntryId(new_id(now)), kind, now, source, new_id(now), CLERK.account_id, legs)


@dataclass
class Outcome:
    """How the tamperings went, by deed; a missed one is told with what was done."""

    done: Counter[str] = field(default_factory=Counter)
    leaves: int = 0
    missed: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    seconds: float = 0


@dataclass(frozen=True)
class Range:
    """A sealed market to tamper with: who may do everything, whose key counts, what was kept outside."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    sealer: Sealer
    bundle: Path
    checker: ModuleType

    @property
    def outside(self) -> Path:
        return self.sealer.folder / str(self.sealer.ledger_id)

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

    async def hand(self, chance: random.Random) -> Hand:
        leaves = await self.connection.fetch("SELECT id, kind, index FROM seal_leaf ORDER BY index")
        return Hand(
            connection=self.connection,
            chance=chance,
            ledger_id=self.sealer.ledger_id,
            index_of={leaf["id"]: leaf["index"] for leaf in leaves},
            entries=[leaf["id"] for leaf in leaves if leaf["kind"] == "entry"],
            events=[leaf["id"] for leaf in leaves if leaf["kind"] == "audit"],
        )

    async def tamper(self, times: int, seed: int, *, seconds: float = float("inf")) -> Outcome:
        """Every deed in turn, with chance deciding on what; each looked for twice and rolled back."""
        chance = random.Random(seed)
        hand, outcome, begun = await self.hand(chance), Outcome(), time.monotonic()
        outcome.leaves = len(hand.index_of)
        names = list(DEEDS)
        while outcome.done.total() < times and time.monotonic() < begun + seconds:
            name = names[outcome.done.total() % len(names)]
            transaction = self.connection.transaction()
            await transaction.start()
            try:
                await self.connection.execute("SET LOCAL session_replication_role = replica")
                expected = await DEEDS[name](hand)
                own, other = await self.findings()
            except asyncpg.IntegrityConstraintViolationError:
                continue  # not even a superuser gets past a key or a condition: another try
            finally:
                await transaction.rollback()
            outcome.done[name] += 1
            told = (own.first_bad_leaf.index if own.first_bad_leaf else None, other.first_bad_leaf)
            if own.holds or other.holds:
                outcome.missed.append(f"{name}: own {own.findings[:2]}, other {other.findings[:2]}")
            elif expected is not None and told != (expected, expected):
                outcome.misnamed.append(
                    f"{name}: leaf {expected}, but {told}; {own.findings[:3]}; {other.findings[:3]}"
                )
        outcome.seconds = time.monotonic() - begun
        return outcome

    async def untouched(self) -> bool:
        """Nothing is found where nothing was done."""
        async with self.connection.transaction():
            own, other = await self.findings()
        return bool(own.holds and other.holds)

    async def sealed_anew_with_the_key(self, seed: int) -> tuple[bool, bool]:
        """(found without what was kept outside, found with it), after a whole re-sealing with the stolen key."""
        hand = await self.hand(random.Random(seed))
        transaction = self.connection.transaction()
        await transaction.start()
        await self.connection.execute("SET LOCAL session_replication_role = replica")
        row = hand.chance.choice(hand.entries)
        await hand.do("UPDATE ledger_entry SET actor_id = $2 WHERE id = $1", row, UUID(int=seed))
        await hand.do(RECOMPUTE, row)
        await grow_anew(hand)
        statement = f"SELECT {BLOCK_COLUMNS} FROM seal_block ORDER BY number"  # noqa: S608 - constants
        for values in await self.connection.fetch(statement):
            block = Block(*values)
            note = self.sealer.notary.sign(
                Checkpoint(self.sealer.notary.origin, block.size, block.root, block.bound())
            )
            await hand.do("UPDATE seal_block SET checkpoint = $2 WHERE number = $1", block.number, note)
        alone = [not one.holds for one in await self.findings(outside=False)]
        beside = [not one.holds for one in await self.findings()]
        await transaction.rollback()
        return any(alone), all(beside)


async def range_of(url: str, sealer: Sealer, bundle: Path) -> Range:
    """A range on a market that is sealed already; the caller closes its connection."""
    return Range(await asyncpg.connect(url), sealer, bundle, tool())


async def prove(*, seconds: float, seed: int, tamperings: int = 1000) -> Proof:
    """All of it on an own cluster; `seconds` bounds the tamperings, which are fewer when time is short."""
    with TemporaryDirectory(prefix="datamarket-tampering-") as temporary:
        folder = Path(temporary).resolve()  # noqa: ASYNC240 - before anything runs
        with running_cluster(folder / "postgres", fsync="off") as cluster:
            url = await create_database(cluster.url, "market")
            await migrate(url)
            sealer = sealer_of(Settings(var=folder))
            database = await Database(url, 2).open()
            try:
                await sealed_market(database, sealer, random.Random(seed))
            finally:
                await database.close()
            ground = await range_of(url, sealer, folder / "bundle")
            try:
                sound = await ground.untouched()
                outcome = await ground.tamper(tamperings, seed, seconds=seconds)
                sound = sound and await ground.untouched()
                alone, beside = await ground.sealed_anew_with_the_key(seed)
            finally:
                await ground.connection.close()
    done = outcome.done.total()
    return Proof(
        id="F3",
        claim="whatever a superuser changes in a sealed market is found, and the first bad leaf is named",
        holds=sound and beside and bool(done) and not outcome.missed and not outcome.misnamed,
        figures={
            "tamperings": done,
            "deeds": len(outcome.done),
            "leaves": outcome.leaves,
            "missed": outcome.missed,
            "misnamed": outcome.misnamed,
            "seconds": round(outcome.seconds, 1),
            "seed": seed,
        },
        control={
            "untouched_market_passes": sound,
            "sealed_anew_with_the_stolen_key_found_without_outside_checkpoints": alone,
            "sealed_anew_with_the_stolen_key_found_with_outside_checkpoints": beside,
        },
        control_notices=sound and not alone and beside,
    )
