"""Postings on any day and months moved, in a ledger of a test's own."""

from datetime import UTC, date, datetime, time
from itertools import count

import asyncpg

from datamarket.foundation import checks
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.periods import actions as period_actions
from datamarket.ledger.periods import queries as period_queries
from datamarket.ledger.periods.tables import LedgerPeriod
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, Leg, Posting
from tests.world.people import FINANCE, NOON, moment

_ledgers = count(900_001)


def own_ledger() -> int:
    """A market in which nothing has happened."""
    return next(_ledgers)


def noon_of(day: date) -> datetime:
    return datetime.combine(day, time(4), tzinfo=UTC)


async def post(
    database: Database,
    debit: AccountKey,
    credit: AccountKey,
    amount: int,
    *,
    effective: date,
    now: datetime = NOON,
) -> EntryId:
    """One entry of two legs."""
    entry_id, ledger_id = EntryId(new_id(moment())), debit.ledger_id
    entry = Posting(
        id=entry_id,
        kind=EntryKind.DEPOSIT,
        effective_at=noon_of(effective),
        source_type="deposit",
        source_id=entry_id,
        actor_id=FINANCE.account_id,
        legs=(Leg(debit.id, Fen(amount)), Leg(credit.id, Fen(-amount))),
    )
    async with database.plain_transaction() as connection:
        await posting.open_accounts(connection, ledger_id, [debit, credit], now=now)
        await posting.post(connection, ledger_id, [entry], now=now)
    return entry_id


async def move(
    database: Database, ledger_id: int, period: int, *events: PeriodEvent, now: datetime = NOON
) -> LedgerPeriod:
    """The events one after the other, each in its own transaction."""
    for event in events:
        async with database.transaction() as session:
            row = await period_queries.lock_period(session, ledger_id, period)
            moved = await period_actions.move_period(session, FINANCE, row, event, reason="test", now=now)
    return moved


async def close(database: Database, ledger_id: int, period: int, *, now: datetime = NOON) -> LedgerPeriod:
    return await move(database, ledger_id, period, PeriodEvent.BEGIN_CLOSING, PeriodEvent.CLOSE, now=now)


def bank(ledger_id: int) -> AccountKey:
    return AccountKey(ledger_id, None, AccountKind.BANK)


async def assert_ledger_holds(url: str, ledger_id: int) -> None:
    """The ledger's own checks, for a ledger of a test's own."""
    connection = await asyncpg.connect(url)
    try:
        rooms = ("datamarket.ledger.books", "datamarket.ledger.periods")
        findings = await checks.run(
            connection, ledger_id, [check for room in rooms for check in checks.of_room(room)]
        )
    finally:
        await connection.close()
    broken = {finding.check.id: finding.breaches for finding in findings if not finding.holds}
    assert not broken
