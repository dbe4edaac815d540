"""Reading transfers."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.contracts import queries as contracts
from datamarket.contracts.terms import Authorisation
from datamarket.dataspace.transfers.tables import TransferProcess
from datamarket.dataspace.transfers.terms import TransferProcessState
from datamarket.foundation.db import PageAsked, asked, driver, keyset, one_row


def _visible(actor: Actor) -> SelectOfScalar[TransferProcess]:
    return select(TransferProcess).where(
        seen_by(actor, TransferProcess.provider_id, TransferProcess.buyer_id)
    )


async def get_transfer(session: AsyncSession, transfer_id: UUID, *, visible_to: Actor) -> TransferProcess:
    """Raises NotFound."""
    return await one_row(session, _visible(visible_to).where(TransferProcess.id == transfer_id), "transfer")


async def lock_transfer(session: AsyncSession, transfer_id: UUID, *, visible_to: Actor) -> TransferProcess:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _visible(visible_to).where(TransferProcess.id == transfer_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "transfer")


async def find_own_transfer(
    session: AsyncSession, buyer_id: UUID, consumer_pid: str
) -> TransferProcess | None:
    """That which the buyer knows under this name."""
    statement = select(TransferProcess).where(
        TransferProcess.buyer_id == buyer_id, TransferProcess.consumer_pid == consumer_pid
    )
    return (await session.exec(statement)).one_or_none()


async def list_transfers(
    session: AsyncSession,
    *,
    visible_to: Actor,
    contract: UUID | None,
    state: TransferProcessState | None,
    page: PageAsked[UUID],
) -> Sequence[TransferProcess]:
    """Newest first; `state` is that to which the two sides moved it."""
    statement = _visible(visible_to).where(
        *asked((TransferProcess.contract_id, contract), (TransferProcess.state, state))
    )
    return (await session.exec(keyset(statement, col(TransferProcess.id), page, newest_first=True))).all()


async def authorisations(session: AsyncSession, rows: Sequence[TransferProcess]) -> dict[UUID, Authorisation]:
    """What the contract of each authorises, by contract."""
    meters = await contracts.meters(await driver(session), [row.contract_id for row in rows])
    return {contract_id: meter.authorisation for contract_id, meter in meters.items()}
