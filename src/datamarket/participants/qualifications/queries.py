"""Reading qualifications."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, asked, keyset
from datamarket.participants.qualifications.tables import Qualification
from datamarket.participants.qualifications.terms import QualificationKind


async def list_qualifications(
    session: AsyncSession,
    *,
    participant_id: UUID | None = None,
    kind: QualificationKind | None = None,
    page: PageAsked[UUID],
) -> Sequence[Qualification]:
    """In the order they were recorded."""
    statement = select(Qualification).where(
        *asked((Qualification.participant_id, participant_id), (Qualification.kind, kind))
    )
    return (await session.exec(keyset(statement, col(Qualification.id), page))).all()


async def qualifications_alike(
    session: AsyncSession, participant_id: UUID, kind: QualificationKind, holder: str | None
) -> Sequence[Qualification]:
    """All of one kind that a participant, or one person there, ever got."""
    statement = select(Qualification).where(
        Qualification.participant_id == participant_id, Qualification.kind == kind
    )
    return (await session.exec(statement.where(col(Qualification.holder).is_not_distinct_from(holder)))).all()


async def lock_run_out(session: AsyncSession, on: date, limit: int) -> Sequence[Qualification]:
    """Certificates that are over and were not told yet, locked; those that another process tells of are left out."""
    statement = (
        select(Qualification)
        .where(col(Qualification.expired_at).is_(None), col(Qualification.until_on) <= on)
        .order_by(col(Qualification.until_on))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()
