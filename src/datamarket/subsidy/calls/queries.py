"""Reading calls and applications."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, get_row, keyset, one_row
from datamarket.subsidy.calls.tables import DeclaredItem, SubsidyApplication, SubsidyCall
from datamarket.subsidy.calls.terms import ApplicationState


async def get_call(session: AsyncSession, call_id: UUID) -> SubsidyCall:
    """Raises NotFound."""
    return await get_row(session, SubsidyCall, call_id, "call")


async def list_calls(
    session: AsyncSession, *, year: int | None, page: PageAsked[UUID]
) -> Sequence[SubsidyCall]:
    """Newest first."""
    statement = select(SubsidyCall).where(*asked((SubsidyCall.year, year)))
    return (await session.exec(keyset(statement, col(SubsidyCall.id), page, newest_first=True))).all()


def _visible(actor: Actor) -> SelectOfScalar[SubsidyApplication]:
    return select(SubsidyApplication).where(seen_by(actor, SubsidyApplication.enterprise_id))


async def get_application(
    session: AsyncSession, application_id: UUID, *, visible_to: Actor
) -> SubsidyApplication:
    """Raises NotFound, also for another enterprise's application."""
    statement = _visible(visible_to).where(SubsidyApplication.id == application_id)
    return await one_row(session, statement, "application")


async def lock_application(
    session: AsyncSession, application_id: UUID, *, visible_to: Actor
) -> SubsidyApplication:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _visible(visible_to).where(SubsidyApplication.id == application_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "application")


async def list_applications(
    session: AsyncSession,
    *,
    visible_to: Actor,
    call: UUID | None,
    state: ApplicationState | None,
    page: PageAsked[UUID],
) -> Sequence[SubsidyApplication]:
    """In the order in which they were begun."""
    wanted = asked((SubsidyApplication.call_id, call), (SubsidyApplication.state, state))
    statement = _visible(visible_to).where(*wanted)
    return (await session.exec(keyset(statement, col(SubsidyApplication.id), page))).all()


async def list_declared(
    session: AsyncSession, application: SubsidyApplication, page: PageAsked[UUID]
) -> Sequence[DeclaredItem]:
    """What its newest submission declares, in the order in which it was named."""
    statement = select(DeclaredItem).where(
        DeclaredItem.application_id == application.id, DeclaredItem.submission == application.submission
    )
    return (await session.exec(keyset(statement, col(DeclaredItem.id), page))).all()
