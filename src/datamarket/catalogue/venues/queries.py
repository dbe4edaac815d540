"""Reading venues."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.venues.tables import Venue
from datamarket.foundation.db import PageAsked, keyset
from datamarket.foundation.errors import NotFound


async def get_venue(session: AsyncSession, venue_id: UUID) -> Venue:
    """Raises NotFound."""
    venue = await session.get(Venue, venue_id)
    if venue is None:
        raise NotFound(thing="venue")
    return venue


async def lock_venue(session: AsyncSession, venue_id: UUID) -> Venue:
    """The newest row, held until the transaction ends. Raises NotFound."""
    venue = await session.get(Venue, venue_id, with_for_update=True, populate_existing=True)
    if venue is None:
        raise NotFound(thing="venue")
    return venue


async def list_venues(session: AsyncSession, *, page: PageAsked[str]) -> Sequence[Venue]:
    """By code."""
    return (await session.exec(keyset(select(Venue), col(Venue.code), page))).all()
