"""Reading permitted incomes."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select, true
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.prices.tables import PermittedIncome
from datamarket.prices.terms import IncomeState


def _visible(actor: Actor) -> SelectOfScalar[PermittedIncome]:
    """Its operator's own, all of them to overseers and to who reviews them."""
    reviews = actor.may(Permission.REVIEW_INCOME)
    return select(PermittedIncome).where(true() if reviews else seen_by(actor, PermittedIncome.operator_id))


async def get_income(session: AsyncSession, income_id: UUID, *, visible_to: Actor) -> PermittedIncome:
    """Raises NotFound."""
    return await one_row(
        session, _visible(visible_to).where(PermittedIncome.id == income_id), "permitted income"
    )


async def lock_income(session: AsyncSession, income_id: UUID, *, visible_to: Actor) -> PermittedIncome:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _visible(visible_to).where(PermittedIncome.id == income_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "permitted income")


async def list_incomes(
    session: AsyncSession,
    *,
    visible_to: Actor,
    zone: UUID | None,
    year: int | None,
    page: PageAsked[UUID],
) -> Sequence[PermittedIncome]:
    """In the order in which they were filed."""
    filters = asked((PermittedIncome.zone_id, zone), (PermittedIncome.year, year))
    statement = _visible(visible_to).where(*filters)
    return (await session.exec(keyset(statement, col(PermittedIncome.id), page))).all()


async def lock_excesses(
    session: AsyncSession, zone_id: UUID, operator_id: UUID, before: int
) -> Sequence[PermittedIncome]:
    """Incomes of earlier years of which some excess is left, oldest first, held until the transaction ends."""
    statement = (
        select(PermittedIncome)
        .where(
            PermittedIncome.zone_id == zone_id,
            PermittedIncome.operator_id == operator_id,
            PermittedIncome.year < before,
            col(PermittedIncome.excess_fen) > PermittedIncome.deducted_fen,
        )
        .order_by(col(PermittedIncome.year))
        .with_for_update()
    )
    return (await session.exec(statement)).all()


async def lock_unreported(session: AsyncSession, year: int, limit: int) -> Sequence[PermittedIncome]:
    """Approved incomes of years until this one without a comparison, which nobody was told of yet."""
    statement = (
        select(PermittedIncome)
        .where(
            PermittedIncome.state == IncomeState.APPROVED,
            PermittedIncome.year <= year,
            col(PermittedIncome.late_at).is_(None),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()
