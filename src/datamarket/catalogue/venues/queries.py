"""Reading venues."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.venues.tables import Venue
from datamarket.foundation.db import PageAsked, get_row, keyset, lock_row


async def get_venue(session: AsyncSession, venue_id: UUID) -> Venue:
    """Raises NotFound."""
    return await get_row(session, Venue, venue_id, "venue")


async def lock_venue(session: AsyncSession, venue_id: UUID) -> Venue:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, Venue, venue_id, "venue")


async def list_venues(session: AsyncSession, *, page: PageAsked[str]) -> Sequence[Venue]:
    """By code."""
    return (await session.exec(keyset(select(Venue), col(Venue.code), page))).all()
