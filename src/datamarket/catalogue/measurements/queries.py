"""Reading measurements."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.measurements.tables import QualityMeasurement
from datamarket.catalogue.products import queries as products
from datamarket.foundation.db import PageAsked, keyset


async def list_measurements(
    session: AsyncSession, product_id: UUID, *, visible_to: Actor | None, page: PageAsked[UUID]
) -> Sequence[QualityMeasurement]:
    """Newest first, for whoever may see the product. Raises NotFound."""
    await products.check_seen(session, product_id, visible_to)
    statement = select(QualityMeasurement).where(QualityMeasurement.product_id == product_id)
    return (await session.exec(keyset(statement, col(QualityMeasurement.id), page, newest_first=True))).all()
