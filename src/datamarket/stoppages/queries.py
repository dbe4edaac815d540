"""Reading stops, and holding what follows them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import Connection
from datamarket.foundation.ids import lowest_id
from datamarket.stoppages.tables import Stoppage

_LISTINGS = """
SELECT 1 FROM listing AS l WHERE l.id IN (SELECT listing_standing_on($1)) AND (l.state = 'published' OR l.stopped_by IS NOT NULL)
   AND ($1 IS NOT NULL OR l.stopped_by IS DISTINCT FROM listing_stopped_by(l.provider_id, l.product_version_id, l.zone_id, $2))
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
_LAST_USE = """
SELECT max(u.at) + interval '1 microsecond' FROM contract_link AS l CROSS JOIN LATERAL (
       SELECT max(at) AS at FROM contract_use WHERE contract_id = l.contract_id AND id >= $2 AND at >= $3 AND at < $4) AS u
 WHERE l.target_id = $1 AND l.to_at IS NULL
"""


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


async def last_use_of(
    connection: Connection, target_id: UUID, since: datetime, until: datetime
) -> datetime | None:
    """Right after the last use between these instants under what stands on this link, if there is one."""
    found: datetime | None = await connection.fetchval(_LAST_USE, target_id, lowest_id(since), since, until)
    return found
