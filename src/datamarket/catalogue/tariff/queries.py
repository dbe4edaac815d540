"""Reading the price list."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.ceilings import queries as ceilings
from datamarket.catalogue.ceilings.tables import PriceCeiling
from datamarket.catalogue.listings.queries import plan_of
from datamarket.catalogue.listings.tables import Listing
from datamarket.catalogue.listings.terms import ListingState, PricePlan
from datamarket.foundation.db import PageAsked, asked, keyset


class Tariff(NamedTuple):
    """A published listing of a product on public data, its plan, and the ceilings of its product."""

    listing: Listing
    plan: PricePlan
    ceilings: list[PriceCeiling]


async def list_prices(
    session: AsyncSession, *, zone: UUID | None, on: date, page: PageAsked[tuple[UUID, UUID]]
) -> list[Tariff]:
    """Zone by zone, in the order in which they were listed."""
    statement = select(Listing).where(
        Listing.state == ListingState.PUBLISHED,
        col(Listing.zone_id).is_not(None),
        *asked((Listing.zone_id, zone)),
    )
    listed: Sequence[Listing] = (
        await session.exec(keyset(statement, (col(Listing.zone_id), col(Listing.id)), page))
    ).all()
    if not listed:
        return []
    found = await ceilings.ceilings_on(session, {listing.product_id for listing in listed}, on)
    return [
        Tariff(listing, plan_of(listing), [one for one in found if one.product_id == listing.product_id])
        for listing in listed
    ]
