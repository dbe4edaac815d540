"""Reading venues."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.venues.tables import Venue
from datamarket.foundation.errors import NotFound


async def get_venue(session: AsyncSession, venue_id: UUID, *, lock: bool = False) -> Venue:
    """Raises NotFound."""
    venue = await session.get(Venue, venue_id, with_for_update=lock or None)
    if venue is None:
        raise NotFound(thing="venue")
    return venue


async def find_venue_by_code(session: AsyncSession, code: str) -> Venue | None:
    return (await session.exec(select(Venue).where(Venue.code == code))).first()


async def list_venues(session: AsyncSession, *, limit: int, after: str | None) -> Sequence[Venue]:
    """By code."""
    statement = select(Venue).order_by(col(Venue.code)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(Venue.code) > after)
    return (await session.exec(statement)).all()
