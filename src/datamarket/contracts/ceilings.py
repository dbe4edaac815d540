"""Whether the price of a contract, or of terms offered for it, stays below its product's ceilings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.listings.ceilings import check_ceilings
from datamarket.catalogue.listings.terms import PricePlan
from datamarket.contracts.tables import Contract
from datamarket.foundation.clock import business_date


async def check_price(
    session: AsyncSession, contract: Contract, now: datetime, terms: Mapping[str, Any] | None = None
) -> None:
    """By the ceilings of today; a free price has none. Raises PriceAboveCeiling, CeilingMissing."""
    said = contract.model_dump() if terms is None else terms
    plan = PricePlan.stored(
        *(said[name] for name in ("price_model", "price_fen", "period_days", "price_terms"))
    )
    public = contract.zone_id is not None
    await check_ceilings(session, contract.product_id, plan, business_date(now), on_public_data=public)
