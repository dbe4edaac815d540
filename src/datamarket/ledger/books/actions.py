"""A write of the ledger that is a business of its own: deposits."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryId, EntryKind, moved
from datamarket.participants import queries as participants

_ADVICES = UUID("0d9c3f52-6b1e-5c7a-8a44-1f7e5b2c9d10")


def deposit_source(ledger_id: int, reference: str) -> UUID:
    """The business that a deposit with this bank advice settles."""
    return uuid5(_ADVICES, f"{ledger_id}/{reference}")


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
    what `lock_admitted` raises for who is not in the market.
    """
    await participants.lock_admitted(session, owner_id)
    connection = await driver(session)
    bank = AccountKey(ledger_id, None, AccountKind.BANK)
    funds = AccountKey(ledger_id, owner_id, AccountKind.BUYER_FUNDS)
    await posting.open_accounts(connection, ledger_id, [bank, funds], now=now)
    source = "deposit", deposit_source(ledger_id, reference)
    legs = moved(bank.id, funds.id, amount_fen)
    received = posting.new_posting(actor, EntryKind.DEPOSIT, source, legs, now=now)
    await posting.post(connection, ledger_id, [received], now=now)
    await evidence.record(
        session,
        actor,
        "ledger.deposit",
        ("entry", received.id),
        now=now,
        owner_id=str(owner_id),
        amount_fen=amount_fen,
        reference=reference,
    )
    return received.id
