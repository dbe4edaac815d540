"""Reading negotiations: who asked over the protocol is the buyer of the contract; no other trader sees it there."""

from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.dataspace.tables import DataspaceNegotiation
from datamarket.foundation.db import one_row


def _own(actor: Actor, contract_id: UUID) -> SelectOfScalar[DataspaceNegotiation]:
    return select(DataspaceNegotiation).where(
        DataspaceNegotiation.contract_id == contract_id, seen_by(actor, DataspaceNegotiation.buyer_id)
    )


async def get_negotiation(
    session: AsyncSession, contract_id: UUID, *, visible_to: Actor
) -> DataspaceNegotiation:
    """That of the actor's organisation, or any to who oversees all. Raises NotFound."""
    return await one_row(session, _own(visible_to, contract_id), "negotiation")


async def lock_negotiation(
    session: AsyncSession, contract_id: UUID, *, visible_to: Actor
) -> DataspaceNegotiation:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _own(visible_to, contract_id).with_for_update().execution_options(populate_existing=True)
    return await one_row(session, statement, "negotiation")


async def find_own_negotiation(
    session: AsyncSession, buyer_id: UUID, consumer_pid: str
) -> DataspaceNegotiation | None:
    """That which the buyer knows under this name."""
    statement = select(DataspaceNegotiation).where(
        DataspaceNegotiation.buyer_id == buyer_id, DataspaceNegotiation.consumer_pid == consumer_pid
    )
    return (await session.exec(statement)).one_or_none()
