"""Reading stops, and holding what follows them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import Connection
from datamarket.stoppages.tables import Stoppage

_LISTINGS = """
SELECT 1 FROM listing AS l WHERE l.id IN (SELECT listing_standing_on($1)) AND (l.state = 'published' OR l.stopped_by IS NOT NULL)
   AND ($1 IS NOT NULL OR l.stopped_by IS DISTINCT FROM listing_stopped_by(l, $2))
 ORDER BY l.id FOR NO KEY UPDATE
"""
_METERS = """
SELECT 1 FROM contract_meter WHERE contract_id IN (SELECT contract_id FROM contract_link WHERE target_id = ANY ($1))
 ORDER BY contract_id FOR NO KEY UPDATE
"""


_RUNNING = """
SELECT id FROM contract WHERE id IN (SELECT contract_running_under($1)) ORDER BY id FOR NO KEY UPDATE
"""
_METERS_OF = "SELECT FROM contract_meter WHERE contract_id = ANY ($1) ORDER BY contract_id FOR NO KEY UPDATE"


async def open_stoppage(session: AsyncSession, target_id: UUID) -> Stoppage | None:
    """The stop of a link that was not lifted yet."""
    statement = select(Stoppage).where(Stoppage.target_id == target_id, col(Stoppage.lifted_at).is_(None))
    return (await session.exec(statement)).one_or_none()


async def lock_running(connection: Connection, mandate_id: UUID) -> list[UUID]:
    """Contracts that run under a mandate, held before their meters are, as whoever moves one of them does."""
    return [row["id"] for row in await connection.fetch(_RUNNING, mandate_id)]


async def lock_meters_of(connection: Connection, contract_ids: Sequence[UUID]) -> None:
    """In the order of uses."""
    await connection.execute(_METERS_OF, contract_ids)


async def lock_followers(connection: Connection, targets: Sequence[UUID] | None, on: date) -> tuple[int, int]:
    """What stands on these links, held in the order of uses: who follows a second link sees what the first did.

    Without targets, only the listings that a day has changed. How many listings and meters are held.
    """
    listings = await connection.fetch(_LISTINGS, targets, on)
    return len(listings), len(await connection.fetch(_METERS, targets))
