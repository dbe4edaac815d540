"""Reading transfers between cities."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import PageAsked, get_row, keyset, lock_row
from datamarket.foundation.errors import NotFound
from datamarket.ledger.books.tables import LedgerAccount
from datamarket.ledger.cities.rules import TRANSFER_LIFE
from datamarket.ledger.cities.tables import CityTransfer
from datamarket.ledger.cities.terms import TransferDirection, TransferEvent, TransferState


async def get_transfer(
    session: AsyncSession, ledger_id: int, transfer_id: UUID, *, visible_to: Actor
) -> CityTransfer:
    """This city's side of a transfer. Raises NotFound, also for another's money."""
    return _seen(await get_row(session, CityTransfer, (ledger_id, transfer_id), "city transfer"), visible_to)


async def lock_transfer(
    session: AsyncSession, ledger_id: int, transfer_id: UUID, *, visible_to: Actor
) -> CityTransfer:
    """This city's side of a transfer, which nobody else moves meanwhile. Raises NotFound."""
    return _seen(await lock_row(session, CityTransfer, (ledger_id, transfer_id), "city transfer"), visible_to)


def _seen(row: CityTransfer, actor: Actor) -> CityTransfer:
    if not (actor.sees_all or row.owner_id == actor.participant_id):
        raise NotFound(thing="city transfer")
    return row


async def has_books(session: AsyncSession, ledger_id: int) -> bool:
    """Whether a city keeps its books here."""
    statement = select(LedgerAccount.id).where(LedgerAccount.ledger_id == ledger_id).limit(1)
    return (await session.exec(statement)).first() is not None


async def other_city_has_paid(session: AsyncSession, row: CityTransfer) -> bool:
    """True for the sender itself: nobody pays before it."""
    if row.direction == TransferDirection.OUTGOING:
        return True
    statement = select(CityTransfer.state).where(
        CityTransfer.ledger_id == row.other_ledger, CityTransfer.id == row.id
    )
    return (await session.exec(statement)).first() == TransferState.SETTLED


async def open_events(session: AsyncSession, actor: Actor, row: CityTransfer) -> list[TransferEvent]:
    """What this actor may do to a transfer now; receiving is nobody's but the market's."""
    events = TRANSFER_LIFE.open_in(row.state)
    may = actor.may(Permission.MAKE_PAYOUT) and await other_city_has_paid(session, row)
    return [event for event in events if event is TransferEvent.SETTLE and may]


async def list_transfers(
    session: AsyncSession, ledger_id: int, *, visible_to: Actor, page: PageAsked[UUID]
) -> Sequence[CityTransfer]:
    """This city's side of each transfer, newest first."""
    statement = select(CityTransfer).where(
        CityTransfer.ledger_id == ledger_id, seen_by(visible_to, CityTransfer.owner_id)
    )
    return (await session.exec(keyset(statement, col(CityTransfer.id), page, newest_first=True))).all()
