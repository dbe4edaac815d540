"""Income that can be paid out, two finance officers, and a bank that answers."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from fastapi import FastAPI

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.ledger.books import actions as ledger
from datamarket.payouts import actions, advice, proposals, queries
from datamarket.payouts.bank.simulated import BankRules
from datamarket.payouts.tables import PayoutBatch
from datamarket.payouts.terms import INCOME, BatchEvent, StatementLine
from datamarket.server.app import create_app
from tests.world import trading
from tests.world.people import FINANCE, NOON, actor, moment, unique
from tests.world.trading import LEDGER_ID, Agreement

TODAY = business_date(NOON)
REASONS = (("AC04", "账户已销户"), ("BE01", "户名与账号不符"))
PAID_IN = Fen(10_000_000)


@dataclass(frozen=True)
class Officers:
    """Who makes a batch does not approve it."""

    maker: Actor = field(default_factory=lambda: actor(Role.FINANCE))
    approver: Actor = field(default_factory=lambda: actor(Role.FINANCE))


@dataclass(frozen=True)
class Earned:
    """A market in which everybody has earned something, and what the bank saw of it."""

    agreements: tuple[Agreement, ...]
    receipts: tuple[StatementLine, ...]


def bank_rules(
    *, refuse: Fraction = Fraction(0), days: tuple[int, int] = (0, 0), always: dict[str, str] | None = None
) -> BankRules:
    """A bank that executes everything on the same day, unless told otherwise."""
    return BankRules(refuse, *days, REASONS, always or {})


def app_at(settings: Settings, database: Database, now: datetime) -> FastAPI:
    """The application on this database, its clock standing at `now`."""
    return create_app(settings, database, read_clock=lambda: now)


async def earned(database: Database, *, trades: int = 3) -> Earned:
    """Sales of a zone's data and of an enterprise's own: provider, operator, venue, treasury, tax."""
    agreements = (
        await trading.active_contract(database, of_zone=True, funds=None),
        await trading.active_contract(database, funds=None),
    )
    receipts = []
    for agreement in agreements:
        receipts.append(await paid_in(database, agreement.buyer.id))
        for _ in range(trades):
            await trading.trade(database, agreement, 100)
    return Earned(agreements, tuple(receipts))


async def paid_in(database: Database, owner_id: UUID, amount_fen: Fen = PAID_IN) -> StatementLine:
    """A buyer's money, as the bank's statement will show it."""
    reference = unique("bank-advice")
    async with database.transaction() as session:
        await ledger.deposit(
            session,
            FINANCE,
            LEDGER_ID,
            owner_id=owner_id,
            amount_fen=amount_fen,
            reference=reference,
            now=moment(),
        )
    return StatementLine(TODAY, amount_fen, reference, "deposit")


async def proposed(database: Database, officers: Officers) -> PayoutBatch:
    """Everything that there is to pay out."""
    async with database.transaction() as session:
        return await proposals.propose_batch(
            session,
            officers.maker,
            LEDGER_ID,
            kinds=INCOME,
            min_amount_fen=Fen(1),
            up_to_day=None,
            now=NOON,
        )


async def moved(database: Database, by: Actor, batch_id: UUID, event: BatchEvent) -> PayoutBatch:
    """One step of a batch, under its lock."""
    async with database.transaction() as session:
        batch = await queries.lock_batch(session, LEDGER_ID, batch_id, visible_to=by)
        return await actions.move_batch(session, by, batch, event, now=NOON)


async def approved(database: Database, officers: Officers) -> PayoutBatch:
    batch = await proposed(database, officers)
    return await moved(database, officers.approver, batch.id, BatchEvent.APPROVE)


async def sent(database: Database, officers: Officers) -> PayoutBatch:
    batch = await approved(database, officers)
    return await moved(database, officers.maker, batch.id, BatchEvent.SEND)


async def answered(database: Database, by: Actor, batch_id: UUID, text: str) -> advice.AdviceTaken:
    """The bank's answers, booked."""
    async with database.transaction() as session:
        batch = await queries.lock_batch(session, LEDGER_ID, batch_id, visible_to=by)
        return await advice.take_advice(session, by, batch, text, now=NOON)


async def file_of(database: Database, batch: PayoutBatch) -> bytes:
    """The bytes that the bank gets."""
    async with database.transaction() as session:
        return proposals.file_for_bank(batch, await queries.payouts_of(session, batch))
