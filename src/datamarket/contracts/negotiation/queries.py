"""Reading versions of terms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import and_, col, func, not_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.contracts.tables import ContractMeter, ContractOffer, ContractUse
from datamarket.foundation.db import PageAsked, keyset, one_row

Versioned = tuple[ContractOffer, ContractOffer | None]
"""A version, and the one that it was to change; the request has none."""


async def list_offers(
    session: AsyncSession, contract_id: UUID, *, in_force: bool, page: PageAsked[int]
) -> Sequence[Versioned]:
    """Every version of the terms, oldest first; those alone that are or were in force, where so asked."""
    statement = _versions(contract_id)
    if in_force:
        statement = statement.where(col(ContractOffer.in_force_from).is_not(None))
    rows: Sequence[Versioned] = (await session.exec(keyset(statement, col(ContractOffer.number), page))).all()
    return rows


async def get_offer(session: AsyncSession, contract_id: UUID, number: int) -> Versioned:
    """Raises NotFound. Who may see the contract may see its terms."""
    return await one_row(session, _versions(contract_id).where(ContractOffer.number == number), "offer")


def _versions(contract_id: UUID) -> Any:
    base = aliased(ContractOffer)
    of_base = and_(
        col(base.contract_id) == col(ContractOffer.contract_id),
        col(base.number) == col(ContractOffer.base_number),
    )
    return (
        select(ContractOffer, base).outerjoin(base, of_base).where(ContractOffer.contract_id == contract_id)
    )


async def last_number(session: AsyncSession, contract_id: UUID) -> int:
    """Of the contract's versions; the contract is locked."""
    statement = select(func.max(ContractOffer.number)).where(ContractOffer.contract_id == contract_id)
    return (await session.exec(statement)).one() or 0


async def is_unsettled(session: AsyncSession, meter: ContractMeter) -> bool:
    """Whether orders are open, or uses have no price yet. The meter is locked: none is added meanwhile."""
    if meter.reserved or meter.undecided:
        return True
    unpriced = select(ContractUse.id).where(
        ContractUse.contract_id == meter.contract_id, not_(ContractUse.priced)
    )
    return (await session.exec(unpriced.limit(1))).first() is not None
