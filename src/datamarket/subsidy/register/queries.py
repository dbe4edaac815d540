"""Reading schemes, versions and budgets."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.foundation.db import PageAsked, get_row, keyset, one_row
from datamarket.subsidy.register.tables import SchemeRow, SchemeVersion, SubsidyBudget
from datamarket.subsidy.register.terms import SchemeState


async def list_schemes(session: AsyncSession, *, page: PageAsked[str]) -> Sequence[SchemeRow]:
    """In the order of their ids."""
    return (await session.exec(keyset(select(SchemeRow), col(SchemeRow.id), page))).all()


async def get_scheme(session: AsyncSession, scheme_id: str) -> SchemeRow:
    """Raises NotFound."""
    return await get_row(session, SchemeRow, scheme_id, "scheme")


async def lock_scheme(session: AsyncSession, scheme_id: str) -> SchemeRow | None:
    """Held until the transaction ends, so that its versions are numbered one after the other."""
    return await session.get(SchemeRow, scheme_id, with_for_update=True)


async def list_versions(
    session: AsyncSession, scheme_id: str, *, page: PageAsked[int]
) -> Sequence[SchemeVersion]:
    """Newest first."""
    statement = select(SchemeVersion).where(SchemeVersion.scheme_id == scheme_id)
    return (await session.exec(keyset(statement, col(SchemeVersion.n), page, newest_first=True))).all()


async def get_version(session: AsyncSession, scheme_id: str, n: int) -> SchemeVersion:
    """Raises NotFound."""
    return await one_row(session, _version(scheme_id, n), "scheme version")


async def lock_version(session: AsyncSession, scheme_id: str, n: int) -> SchemeVersion:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await one_row(session, _version(scheme_id, n).with_for_update(), "scheme version")


def _version(scheme_id: str, n: int) -> SelectOfScalar[SchemeVersion]:
    return select(SchemeVersion).where(SchemeVersion.scheme_id == scheme_id, SchemeVersion.n == n)


async def version_by_id(session: AsyncSession, version_id: UUID) -> SchemeVersion:
    return (await session.exec(select(SchemeVersion).where(SchemeVersion.id == version_id))).one()


async def approved_version(session: AsyncSession, scheme_id: str) -> SchemeVersion | None:
    """The version in force, if any."""
    statement = select(SchemeVersion).where(
        SchemeVersion.scheme_id == scheme_id, SchemeVersion.state == SchemeState.APPROVED
    )
    return (await session.exec(statement)).first()


async def newest_number(session: AsyncSession, scheme_id: str) -> int:
    """The highest version number; 0 before the first."""
    statement = (
        select(SchemeVersion.n)
        .where(SchemeVersion.scheme_id == scheme_id)
        .order_by(col(SchemeVersion.n).desc())
        .limit(1)
    )
    return (await session.exec(statement)).first() or 0


async def is_known_version(session: AsyncSession, scheme_id: str, sha256: str) -> bool:
    statement = select(SchemeVersion.id).where(
        SchemeVersion.scheme_id == scheme_id, SchemeVersion.sha256 == sha256
    )
    return (await session.exec(statement)).first() is not None


async def list_budgets(
    session: AsyncSession, scheme_id: str, *, page: PageAsked[int]
) -> Sequence[SubsidyBudget]:
    """Newest year first; a scheme has one a year."""
    statement = select(SubsidyBudget).where(SubsidyBudget.scheme_id == scheme_id)
    return (await session.exec(keyset(statement, col(SubsidyBudget.year), page, newest_first=True))).all()


async def lock_budget(session: AsyncSession, scheme_id: str, year: int) -> SubsidyBudget | None:
    """The pool of a year, held until the transaction ends; None when the year has no ceiling."""
    statement = select(SubsidyBudget).where(SubsidyBudget.scheme_id == scheme_id, SubsidyBudget.year == year)
    found = await session.exec(statement.with_for_update().execution_options(populate_existing=True))
    return found.first()
