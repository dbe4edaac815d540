"""Reading duties at the end of contracts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.contracts.disposal.tables import ContractDisposal
from datamarket.contracts.disposal.terms import DisposalState
from datamarket.foundation.db import get_row, lock_row


async def get_disposal(session: AsyncSession, contract_id: UUID) -> ContractDisposal:
    """The duty of a contract that its reader may see. Raises NotFound before the contract is over."""
    return await get_row(session, ContractDisposal, contract_id, "disposal")


async def lock_disposal(session: AsyncSession, contract_id: UUID) -> ContractDisposal:
    """The same, held until the transaction ends."""
    return await lock_row(session, ContractDisposal, contract_id, "disposal")


async def lock_overdue(session: AsyncSession, now: datetime, limit: int) -> Sequence[ContractDisposal]:
    """Duties of which the day has come, locked, oldest first; those that somebody proves are left out."""
    due = select(ContractDisposal).where(
        ContractDisposal.state == DisposalState.DUE, col(ContractDisposal.due_at) <= now
    )
    statement = due.order_by(col(ContractDisposal.due_at)).limit(limit).with_for_update(skip_locked=True)
    return (await session.exec(statement)).all()
