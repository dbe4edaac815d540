"""Reading transfers between cities."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.errors import NotFound
from datamarket.ledger.cities.tables import CityTransfer


async def get_transfer(
    session: AsyncSession, ledger_id: int, transfer_id: UUID, *, visible_to: Actor, lock: bool = False
) -> CityTransfer:
    """This city's side of a transfer. Raises NotFound, also for another's money."""
    row = await session.get(CityTransfer, (ledger_id, transfer_id), with_for_update=lock or None)
    if row is None or not (visible_to.sees_all or row.owner_id == visible_to.participant_id):
        raise NotFound(thing="city transfer")
    return row


async def list_transfers(
    session: AsyncSession, ledger_id: int, *, visible_to: Actor, limit: int, after: UUID | None
) -> Sequence[CityTransfer]:
    """This city's side of each transfer, newest first."""
    statement = select(CityTransfer).where(CityTransfer.ledger_id == ledger_id)
    if not visible_to.sees_all:
        statement = statement.where(CityTransfer.owner_id == visible_to.participant_id)
    if after is not None:
        statement = statement.where(col(CityTransfer.id) < after)
    return (await session.exec(statement.order_by(col(CityTransfer.id).desc()).limit(limit + 1))).all()
