"""Reading filings and assessments of a resource."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.zones.resources.tables import LevelAssessment, ResourceFiling


async def list_filings(
    session: AsyncSession, resource_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[ResourceFiling]:
    """Oldest first."""
    statement = select(ResourceFiling).where(ResourceFiling.resource_id == resource_id)
    if after is not None:
        statement = statement.where(col(ResourceFiling.id) > after)
    return (await session.exec(statement.order_by(col(ResourceFiling.id)).limit(limit + 1))).all()


async def list_assessments(
    session: AsyncSession, resource_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[LevelAssessment]:
    """Oldest first."""
    statement = select(LevelAssessment).where(LevelAssessment.resource_id == resource_id)
    if after is not None:
        statement = statement.where(col(LevelAssessment.id) > after)
    return (await session.exec(statement.order_by(col(LevelAssessment.id)).limit(limit + 1))).all()
