"""Reading cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select, true
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset
from datamarket.foundation.errors import NotFound
from datamarket.subsidy.cases.tables import SubsidyCase


def _case_visible(actor: Actor) -> Any:
    return true() if actor.sees_all else col(SubsidyCase.enterprise_id) == actor.participant_id


async def get_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """Raises NotFound, also for another enterprise's case."""
    return await _only(session, _case(case_id, visible_to))


async def lock_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await _only(session, _case(case_id, visible_to).with_for_update())


def _case(case_id: UUID, actor: Actor) -> SelectOfScalar[SubsidyCase]:
    return select(SubsidyCase).where(SubsidyCase.id == case_id, _case_visible(actor))


async def _only(session: AsyncSession, statement: SelectOfScalar[SubsidyCase]) -> SubsidyCase:
    found = (await session.exec(statement)).first()
    if found is None:
        raise NotFound(thing="case")
    return found


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
    statement = select(SubsidyCase).where(_case_visible(visible_to), *wanted)
    return (await session.exec(keyset(statement, col(SubsidyCase.id), page))).all()
