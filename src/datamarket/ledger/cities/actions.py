"""Money between cities. A transaction writes the books of one city; what is between two stands on clearing accounts."""

import logging
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import PAGE_LIMIT, Connection, Database, driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.cities import queries
from datamarket.ledger.cities.rules import TRANSFER_LIFE, CityUnknown, OtherCityFirst, SameCity
from datamarket.ledger.cities.tables import CityTransfer
from datamarket.ledger.cities.terms import TransferDirection, TransferEvent, TransferState
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.participants import queries as participants

_CITIES = UUID("b2f0a6d4-7c35-5e1b-9a86-4d1c0e7f3a52")
_SOURCE = "city_transfer"
_log = logging.getLogger(__name__)


def city_owner(ledger_id: int) -> UUID:
    """Who owns a clearing account: the other city. Its id follows from its code."""
    return uuid5(_CITIES, str(ledger_id))


def clearing_with(ledger_id: int, other_ledger: int) -> AccountKey:
    """The account of one city on which its debts to another, and its claims, wait for bank money."""
    return AccountKey(ledger_id, city_owner(other_ledger), AccountKind.CITY_CLEARING)


async def send(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    owner_id: UUID,
    to_ledger: int,
    amount_fen: Fen,
    reference: str,
    now: datetime,
) -> CityTransfer:
    """Take a buyer's money out of this city for another, which receives it in a transaction of its own.

    Raises SameCity, CityUnknown, and what `lock_admitted` raises; the database refuses what the funds
    do not cover, and a reference used before.
    """
    if to_ledger == ledger_id:
        raise SameCity
    if not await queries.has_books(session, to_ledger):
        raise CityUnknown(city=to_ledger)
    await participants.lock_admitted(session, owner_id)
    funds = AccountKey(ledger_id, owner_id, AccountKind.BUYER_FUNDS)
    clearing = clearing_with(ledger_id, to_ledger)
    await posting.open_accounts(await driver(session), ledger_id, [funds, clearing], now=now)
    row = CityTransfer(
        ledger_id=ledger_id,
        id=new_id(now),
        direction=TransferDirection.OUTGOING,
        other_ledger=to_ledger,
        clearing_id=clearing.id,
        owner_id=owner_id,
        amount_fen=amount_fen,
        reference=reference,
        state=TransferState.SENT,
        actor_id=actor.account_id,
        sent_at=now,
    )
    session.add(row)
    await session.flush()
    await _take_out(session, actor, row, funds, now=now)
    return row


async def _take_out(
    session: AsyncSession, actor: Actor, row: CityTransfer, funds: AccountKey, *, now: datetime
) -> None:
    """What was sent leaves the buyer's funds for the clearing account."""
    legs = moved(funds.id, clearing_with(row.ledger_id, row.other_ledger).id, row.amount_fen)
    sent = posting.new_posting(actor, EntryKind.CITY_SENT, (_SOURCE, row.id), legs, now=now)
    await posting.post(await driver(session), row.ledger_id, [sent], now=now)
    await evidence.record(
        session,
        actor,
        "ledger.send-to-city",
        (_SOURCE, row.id),
        now=now,
        owner_id=str(row.owner_id),
        to_ledger=row.other_ledger,
        amount_fen=row.amount_fen,
        reference=row.reference,
    )


async def move_transfer(
    session: AsyncSession,
    actor: Actor,
    row: CityTransfer,
    event: Literal[TransferEvent.SETTLE],
    *,
    reason: str | None,
    now: datetime,
) -> CityTransfer:
    """Bank money clears a locked transfer in its city's books: paid by the sender, then taken in by the receiver.

    Raises TransitionNotAllowed, and OtherCityFirst while the sender has not paid.
    """
    row.state = TRANSFER_LIFE.after(row.state, event)
    if not await queries.other_city_has_paid(session, row):
        raise OtherCityFirst
    row.settled_at = now
    row.version += 1
    connection = await driver(session)
    bank = AccountKey(row.ledger_id, None, AccountKind.BANK)
    clearing = clearing_with(row.ledger_id, row.other_ledger)
    await posting.open_accounts(connection, row.ledger_id, [bank, clearing], now=now)
    debited, credited = (bank, clearing) if row.direction == TransferDirection.INCOMING else (clearing, bank)
    legs = moved(debited.id, credited.id, row.amount_fen)
    settled = posting.new_posting(actor, EntryKind.CITY_SETTLED, (_SOURCE, row.id), legs, now=now)
    await posting.post(connection, row.ledger_id, [settled], now=now)
    await evidence.record(
        session,
        actor,
        "ledger.settle-with-city",
        (_SOURCE, row.id),
        now=now,
        other_ledger=row.other_ledger,
        amount_fen=row.amount_fen,
        reason=reason,
    )
    return row


async def receive_due(database: Database, ledger_id: int, now: datetime) -> int:
    """What this city has sent arrives in the books of the others, exactly once; how many arrived.

    Three transactions each: found here, posted there, marked here. Whoever dies in between leaves the
    row `sent`: the next round finds that the other city has it, and only marks. One that is refused
    there (a closed month) is told, stays `sent`, and holds up no other.
    """
    arrived = 0
    after = UUID(int=0)
    while True:
        async with database.connection() as connection:
            due = await connection.fetch(_DUE, ledger_id, after, PAGE_LIMIT)
        for sent in due:
            try:
                async with database.plain_transaction() as connection:
                    await arrive(connection, sent, now=now)
            except asyncpg.IntegrityConstraintViolationError as refusal:
                _log.warning("transfer %s does not arrive: %s", sent["id"], refusal)
                continue
            async with database.plain_transaction() as connection:
                arrived += await mark_received(connection, ledger_id, sent["id"], now=now)
        if len(due) < PAGE_LIMIT:
            return arrived
        after = due[-1]["id"]


_DUE = """
SELECT ledger_id, id, other_ledger, owner_id, amount_fen, reference, actor_id, sent_at FROM city_transfer
 WHERE ledger_id = $1 AND state = 'sent' AND id > $2 ORDER BY id LIMIT $3
"""
_ARRIVE = """
INSERT INTO city_transfer (ledger_id, id, direction, other_ledger, clearing_id, owner_id, amount_fen, reference,
                           state, actor_id, sent_at, received_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1) ON CONFLICT (ledger_id, id) DO NOTHING RETURNING 1
"""
_MARK = """
UPDATE city_transfer SET state = $3, received_at = $4, version = version + 1
 WHERE ledger_id = $1 AND id = $2 AND state = 'sent' RETURNING 1
"""


async def arrive(connection: Connection, sent: asyncpg.Record, *, now: datetime) -> None:
    """Post a transfer in the books of the city it was sent to; nothing when it stands there already."""
    here, there = sent["other_ledger"], sent["ledger_id"]
    clearing = clearing_with(here, there)
    funds = AccountKey(here, sent["owner_id"], AccountKind.BUYER_FUNDS)
    await posting.open_accounts(connection, here, [funds, clearing], now=now)
    fresh = await connection.fetchval(
        _ARRIVE,
        here,
        sent["id"],
        TransferDirection.INCOMING,
        there,
        clearing.id,
        sent["owner_id"],
        sent["amount_fen"],
        sent["reference"],
        TransferState.RECEIVED,
        sent["actor_id"],
        sent["sent_at"],
        now,
    )
    if fresh is None:
        return
    actor = Actor(sent["actor_id"], None, frozenset())
    legs = moved(clearing.id, funds.id, sent["amount_fen"])
    received = posting.new_posting(actor, EntryKind.CITY_RECEIVED, (_SOURCE, sent["id"]), legs, now=now)
    await posting.post(connection, here, [received], now=now)
    event = evidence.Event(actor, sent["id"], {"from_ledger": there, "amount_fen": sent["amount_fen"]})
    await evidence.record_many(connection, "ledger.receive-from-city", _SOURCE, [event], now=now)


async def mark_received(connection: Connection, ledger_id: int, transfer_id: UUID, *, now: datetime) -> int:
    """The sender learns that its transfer arrived; 1 when it did not know yet."""
    received = TRANSFER_LIFE.after(TransferState.SENT, TransferEvent.RECEIVE)
    return await connection.fetchval(_MARK, ledger_id, transfer_id, received, now) or 0
