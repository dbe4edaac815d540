"""Whether a price stays below the ceilings of its product: the one check of publication, quote and contract."""

from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.ceilings import queries
from datamarket.catalogue.ceilings.rules import check_prices
from datamarket.catalogue.listings.pricing import unit_prices
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.catalogue.products import queries as products


async def check_ceilings(
    session: AsyncSession,
    product_id: UUID,
    plan: PricePlan,
    on: date,
    *,
    on_public_data: bool,
    publishing: bool = False,
) -> None:
    """A ceiling that is being set is waited for: the product is held, shared. What is free has no ceiling.

    Raises PriceAboveCeiling, CeilingMissing, CeilingToBeReset.
    """
    if not on_public_data or plan.model is PriceModel.FREE:
        return
    await products.lock_shared(session, product_id)
    check_prices(
        unit_prices(plan), await queries.ceilings_on(session, [product_id], on), publishing=publishing
    )
