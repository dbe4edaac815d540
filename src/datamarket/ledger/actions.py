"""Writes of the ledger that are a business of their own: deposits, and the life of a period."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation import states
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Invalid
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting, queries
from datamarket.ledger.rules import PERIOD_EVENTS
from datamarket.ledger.tables import LedgerPeriod
from datamarket.ledger.terms import (
    Account,
    AccountKind,
    EntryId,
    EntryKind,
    Leg,
    PeriodEvent,
    PeriodState,
    Posting,
)
from datamarket.participants import queries as participants

_ADVICES = UUID("0d9c3f52-6b1e-5c7a-8a44-1f7e5b2c9d10")


class PeriodUnknown(Invalid):
    code = "ledger.period-unknown"
    zh = "会计期间须写作 yyyymm，例如 202412。"
    en = "A period is written yyyymm, for instance 202412."


async def deposit(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    owner_id: UUID,
    amount_fen: Fen,
    reference: str,
    now: datetime,
) -> EntryId:
    """Money that a buyer paid in arrives: bank on the debit side, the buyer's funds on the credit side.

    A bank advice is entered once: `reference` is its name. Raises AlreadyPosted for a second time, and
    what `check_admitted` raises for who is not in the market.
    """
    await participants.check_admitted(session, owner_id)
    connection = await driver(session)
    bank = Account(ledger_id, None, AccountKind.BANK)
    funds = Account(ledger_id, owner_id, AccountKind.BUYER_FUNDS)
    await posting.open_accounts(connection, ledger_id, [bank, funds], now=now)
    entry_id = EntryId(new_id(now))
    received = Posting(
        id=entry_id,
        kind=EntryKind.DEPOSIT,
        effective_at=now,
        source_type="deposit",
        source_id=uuid5(_ADVICES, f"{ledger_id}/{reference}"),
        actor_id=actor.account_id,
        legs=(Leg(bank.id, amount_fen), Leg(funds.id, Fen(-amount_fen))),
    )
    await posting.post(connection, ledger_id, [received], now=now)
    evidence.record(
        session,
        actor,
        "ledger.deposit",
        ("entry", entry_id),
        now=now,
        owner_id=str(owner_id),
        amount_fen=amount_fen,
        reference=reference,
    )
    return entry_id


def check_period(period: int) -> None:
    """A month is written yyyymm. Raises PeriodUnknown."""
    if not 1 <= period % 100 <= 12 or not 2000 <= period // 100 <= 2999:
        raise PeriodUnknown


async def move_period(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    period: int,
    event: PeriodEvent,
    *,
    reason: str | None,
    now: datetime,
) -> LedgerPeriod:
    """Close a month, or reopen it with a reason. No posting is under way while it changes."""
    check_period(period)
    connection = await session.connection()
    await connection.execute(text("SELECT pg_advisory_xact_lock(:ledger_id, 1)"), {"ledger_id": ledger_id})
    row = await queries.find_period(session, ledger_id, period)
    if row is None:
        row = LedgerPeriod(ledger_id=ledger_id, id=period, state=PeriodState.OPEN, version=0)
        session.add(row)
    row.state = states.next_state(PERIOD_EVENTS, PeriodState(row.state), event)
    row.version += 1
    evidence.record(
        session,
        actor,
        f"ledger.{event}-period",
        ("period", _period_id(ledger_id, period)),
        now=now,
        period=period,
        reason=reason,
    )
    await session.flush()
    return row


def _period_id(ledger_id: int, period: int) -> UUID:
    """Periods are numbers; audit events name their subject by UUID."""
    return UUID(int=ledger_id << 64 | period)
