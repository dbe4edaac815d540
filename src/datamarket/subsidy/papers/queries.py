"""Reading papers."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, keyset, one_row
from datamarket.foundation.errors import NotFound
from datamarket.subsidy.papers.tables import SubsidyPaper


def _visible(actor: Actor) -> SelectOfScalar[SubsidyPaper]:
    return select(SubsidyPaper).where(seen_by(actor, SubsidyPaper.owner_id))


async def get_paper(session: AsyncSession, paper_id: UUID, *, visible_to: Actor) -> SubsidyPaper:
    """Raises NotFound, also for another's paper."""
    return await one_row(session, _visible(visible_to).where(SubsidyPaper.id == paper_id), "paper")


async def get_papers(
    session: AsyncSession, ids: Collection[UUID], *, visible_to: Actor
) -> Sequence[SubsidyPaper]:
    """All of them, in no order. Raises NotFound when one is missing."""
    found = (await session.exec(_visible(visible_to).where(col(SubsidyPaper.id).in_(ids)))).all()
    if len(found) != len(set(ids)):
        raise NotFound(thing="paper")
    return found


async def list_papers(
    session: AsyncSession, *, visible_to: Actor, page: PageAsked[UUID]
) -> Sequence[SubsidyPaper]:
    """In the order in which they were sent."""
    return (await session.exec(keyset(_visible(visible_to), col(SubsidyPaper.id), page))).all()
