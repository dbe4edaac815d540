"""Reading ceilings."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.ceilings.tables import PriceCeiling
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import PageAsked, asked, get_row, keyset

MOST_IN_FORCE = 4
"""Of one product: one a unit."""
_SOLD_SINCE = text(
    "SELECT min(published_at) FROM listing WHERE product_id = :product AND published_at IS NOT NULL"
)


async def get_ceiling(session: AsyncSession, ceiling_id: UUID) -> PriceCeiling:
    """Raises NotFound."""
    return await get_row(session, PriceCeiling, ceiling_id, "ceiling")


async def list_ceilings(
    session: AsyncSession, *, zone: UUID | None, product: UUID | None, page: PageAsked[UUID]
) -> Sequence[PriceCeiling]:
    """In the order in which they were set."""
    statement = select(PriceCeiling).where(
        *asked((PriceCeiling.zone_id, zone), (PriceCeiling.product_id, product))
    )
    return (await session.exec(keyset(statement, col(PriceCeiling.id), page))).all()


async def ceilings_on(session: AsyncSession, products: Collection[UUID], on: date) -> Sequence[PriceCeiling]:
    """Those in force on a day: one a product and unit at most."""
    statement = (
        select(PriceCeiling)
        .where(
            col(PriceCeiling.product_id).in_(products),
            PriceCeiling.valid_from <= on,
            or_(col(PriceCeiling.valid_to).is_(None), col(PriceCeiling.valid_to) > on),
        )
        .limit(len(products) * MOST_IN_FORCE)
        .execution_options(populate_existing=True)
    )
    return (await session.exec(statement)).all()


async def lock_open(session: AsyncSession, product_id: UUID, unit: str) -> PriceCeiling | None:
    """The last one set for a product and unit, held until the transaction ends."""
    statement = select(PriceCeiling).where(
        PriceCeiling.product_id == product_id, PriceCeiling.unit == unit, col(PriceCeiling.valid_to).is_(None)
    )
    return (await session.exec(statement.with_for_update())).first()


async def lock_open_of_income(session: AsyncSession, income_id: UUID) -> Sequence[PriceCeiling]:
    """Those set upon an income that nothing has replaced, held until the transaction ends."""
    statement = select(PriceCeiling).where(
        PriceCeiling.income_id == income_id, col(PriceCeiling.valid_to).is_(None)
    )
    return (await session.exec(statement.order_by(col(PriceCeiling.id)).with_for_update())).all()


async def sold_since(session: AsyncSession, product_id: UUID) -> date | None:
    """When a product was first published, if ever; listings stand above, so by name."""
    row = await (await session.connection()).execute(_SOLD_SINCE, {"product": product_id})
    first = row.scalar_one()
    return None if first is None else business_date(first)
