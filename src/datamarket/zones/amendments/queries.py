"""Reading filings and assessments of a resource."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, keyset
from datamarket.zones.resources.tables import LevelAssessment, ResourceFiling


async def list_filings(
    session: AsyncSession, resource_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[ResourceFiling]:
    """Oldest first."""
    statement = select(ResourceFiling).where(ResourceFiling.resource_id == resource_id)
    return (await session.exec(keyset(statement, col(ResourceFiling.id), page))).all()


async def list_assessments(
    session: AsyncSession, resource_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[LevelAssessment]:
    """Oldest first."""
    statement = select(LevelAssessment).where(LevelAssessment.resource_id == resource_id)
    return (await session.exec(keyset(statement, col(LevelAssessment.id), page))).all()
