"""Reading cases."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.subsidy.cases.tables import SubsidyCase


async def get_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """Raises NotFound, also for another enterprise's case."""
    return await one_row(session, _case(case_id, visible_to), "case")


async def lock_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await one_row(session, _case(case_id, visible_to).with_for_update(), "case")


def _case(case_id: UUID, actor: Actor) -> SelectOfScalar[SubsidyCase]:
    return select(SubsidyCase).where(SubsidyCase.id == case_id, seen_by(actor, SubsidyCase.enterprise_id))


async def list_cases(
    session: AsyncSession,
    *,
    visible_to: Actor,
    enterprise: UUID | None,
    level: str | None,
    page: PageAsked[UUID],
) -> Sequence[SubsidyCase]:
    """In the order they were registered."""
    wanted = asked((SubsidyCase.enterprise_id, enterprise), (SubsidyCase.level, level))
    statement = select(SubsidyCase).where(seen_by(visible_to, SubsidyCase.enterprise_id), *wanted)
    return (await session.exec(keyset(statement, col(SubsidyCase.id), page))).all()
