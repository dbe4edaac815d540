"""A sealer with a key and a folder of its own, a market sealed in ten blocks, and the separate verifier."""

import importlib.util
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor, Role
from datamarket.evidence import actions as evidence
from datamarket.evidence.log.sealing import Sealer, await_watermark
from datamarket.evidence.log.verification import Log
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, Leg, Posting
from datamarket.server.sealing import sealer_of

TOOL = Path(__file__).parents[2] / "tools" / "verify_evidence.py"
BEGIN = datetime(2024, 3, 29, 4, 0, tzinfo=UTC)
PASSES = 10
ENTRIES_A_PASS = 30
EVENTS_A_PASS = 9
KINDS = (AccountKind.PROVIDER_INCOME, AccountKind.VENUE_FEE, AccountKind.VAT_PAYABLE, AccountKind.TREASURY)
CLERK = Actor(UUID(int=0xC1E4), UUID(int=0x0465), frozenset({Role.FINANCE}))


def settings_in(folder: Path) -> Settings:
    return Settings(var=folder, log_requests=False, rate_limit="100000/second", sign_in_limit="10000/minute")


def sealer_in(folder: Path) -> Sealer:
    return sealer_of(settings_in(folder))


def log_of(sealer: Sealer) -> Log:
    return Log(sealer.ledger_id, sealer.sources, sealer.notary.reader)


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
    bank = AccountKey(ledger, None, AccountKind.BANK)
    funds = [AccountKey(ledger, owner, AccountKind.BUYER_FUNDS) for owner in owners]
    takers = [AccountKey(ledger, owner, kind) for owner in owners for kind in KINDS]
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


async def _post(connection: Connection, ledger: int, postings: Sequence[Posting], now: datetime) -> None:
    await posting.post(connection, ledger, postings, now=now)


def _facts(chance: random.Random, turn: int) -> dict[str, Any]:
    return {
        "amount_fen": chance.randrange(1, 10**9),
        "note": f"第{turn}批·batch {turn}",
        "free": False,
        "of": None,
    }


def _deposit(bank: AccountKey, funds: AccountKey, now: datetime) -> Posting:
    legs = (Leg(bank.id, Fen(10**12)), Leg(funds.id, Fen(-(10**12))))
    return _posting(EntryKind.DEPOSIT, "deposit", legs, now)


def _sale(funds: AccountKey, takers: Sequence[AccountKey], chance: random.Random, now: datetime) -> Posting:
    amounts = [Fen(-chance.randrange(1, 10**6)) for _ in range(chance.randrange(1, 5))]
    taking = chance.sample(takers, len(amounts))
    legs = [Leg(taker.id, amount) for taker, amount in zip(taking, amounts, strict=True)]
    return _posting(EntryKind.SETTLEMENT, "trade", (Leg(funds.id, Fen(-sum(amounts))), *legs), now)


def _posting(kind: EntryKind, source: str, legs: tuple[Leg, ...], now: datetime) -> Posting:
    return Posting(EntryId(new_id(now)), kind, now, source, new_id(now), CLERK.account_id, legs)
