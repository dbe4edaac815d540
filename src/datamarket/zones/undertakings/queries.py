"""Reading undertakings to renew."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, keyset
from datamarket.zones.undertakings.tables import RenewalUndertaking


async def find_good(session: AsyncSession, mandate_id: UUID, on: date) -> RenewalUndertaking | None:
    """The open undertaking that has not fallen due: contracts may be signed upon it."""
    statement = select(RenewalUndertaking).where(
        RenewalUndertaking.mandate_id == mandate_id,
        col(RenewalUndertaking.fulfilled_at).is_(None),
        RenewalUndertaking.due_on > on,
    )
    return (await session.exec(statement)).first()


async def find_unfulfilled(session: AsyncSession, mandate_id: UUID) -> RenewalUndertaking | None:
    """The newest that is open or overdue."""
    statement = select(RenewalUndertaking).where(
        RenewalUndertaking.mandate_id == mandate_id, col(RenewalUndertaking.fulfilled_at).is_(None)
    )
    return (await session.exec(statement.order_by(col(RenewalUndertaking.id).desc()).limit(1))).first()


async def unfulfilled(
    session: AsyncSession, mandate_ids: Sequence[UUID], renewed_to: date
) -> Sequence[RenewalUndertaking]:
    """Those, overdue or not, that a term until this day fulfils. Their mandates are locked."""
    statement = select(RenewalUndertaking).where(
        col(RenewalUndertaking.mandate_id).in_(mandate_ids),
        col(RenewalUndertaking.fulfilled_at).is_(None),
        RenewalUndertaking.renewed_to <= renewed_to,
    )
    return (await session.exec(statement)).all()


async def lock_due(session: AsyncSession, on: date, limit: int) -> Sequence[RenewalUndertaking]:
    """Those that fell due unfulfilled and were not told yet, locked; those that somebody fulfils are left out."""
    statement = (
        select(RenewalUndertaking)
        .where(
            col(RenewalUndertaking.fulfilled_at).is_(None),
            col(RenewalUndertaking.overdue_at).is_(None),
            RenewalUndertaking.due_on <= on,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()


async def list_undertakings(
    session: AsyncSession, mandate_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[RenewalUndertaking]:
    """In the order in which they were given."""
    statement = select(RenewalUndertaking).where(RenewalUndertaking.mandate_id == mandate_id)
    return (await session.exec(keyset(statement, col(RenewalUndertaking.id), page))).all()
