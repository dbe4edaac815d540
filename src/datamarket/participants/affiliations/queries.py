"""Reading who controls whom, and who is related."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, keyset, lock_row
from datamarket.foundation.errors import NotFound
from datamarket.participants.affiliations.tables import Affiliation


async def list_affiliations(
    session: AsyncSession, participant_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[Affiliation]:
    """Whom a participant controls or controlled, and who controls or controlled it."""
    statement = select(Affiliation).where(
        or_(Affiliation.controller_id == participant_id, Affiliation.controlled_id == participant_id)
    )
    return (await session.exec(keyset(statement, col(Affiliation.id), page))).all()


async def lock_affiliation(session: AsyncSession, participant_id: UUID, affiliation_id: UUID) -> Affiliation:
    """One that the participant is a side of, held until the transaction ends. Raises NotFound."""
    affiliation = await lock_row(session, Affiliation, affiliation_id, "affiliation")
    if participant_id not in {affiliation.controller_id, affiliation.controlled_id}:
        raise NotFound(thing="affiliation")
    return affiliation


async def affiliations_of_pair(
    session: AsyncSession, controller_id: UUID, controlled_id: UUID
) -> Sequence[Affiliation]:
    statement = select(Affiliation).where(
        Affiliation.controller_id == controller_id, Affiliation.controlled_id == controlled_id
    )
    return (await session.exec(statement)).all()


async def lock_affiliations(session: AsyncSession) -> None:
    """Until the transaction ends nobody else adds one: a circle is seen only by who sees them all."""
    await (await session.connection()).execute(text("LOCK TABLE affiliation IN SHARE ROW EXCLUSIVE MODE"))


_CONTROLS = text(
    """
    WITH RECURSIVE above (id, from_on, to_on) AS (
        SELECT CAST(:low AS uuid), CAST(:from_on AS date), CAST(:to_on AS date)
        UNION
        SELECT a.controller_id, GREATEST(above.from_on, a.from_on), LEAST(above.to_on, a.to_on)
        FROM above
        JOIN affiliation AS a ON a.controlled_id = above.id
        WHERE (a.to_on IS NULL OR above.from_on < a.to_on)
          AND (above.to_on IS NULL OR a.from_on < above.to_on)
    )
    SELECT 1 FROM above WHERE id = CAST(:high AS uuid) LIMIT 1
    """
)
_RELATED = text(
    """
    WITH RECURSIVE above (root, id) AS (
        VALUES (1, CAST(:a AS uuid)), (2, CAST(:b AS uuid))
        UNION
        SELECT above.root, a.controller_id
        FROM above
        JOIN affiliation AS a ON a.controlled_id = above.id
        WHERE a.from_on <= :on AND (a.to_on IS NULL OR a.to_on > :on)
    )
    SELECT 1 FROM above AS one JOIN above AS other USING (id)
    WHERE one.root = 1 AND other.root = 2 LIMIT 1
    """
)


async def controls_within(
    session: AsyncSession, high: UUID, low: UUID, *, from_on: date, to_on: date | None
) -> bool:
    """Whether on any day of the half-open period `high` controls `low`, through any chain."""
    where = {"high": high, "low": low, "from_on": from_on, "to_on": to_on}
    return (await (await session.connection()).execute(_CONTROLS, where)).first() is not None


async def are_related(session: AsyncSession, a: UUID, b: UUID, on: date) -> bool:
    """Whether on this day one controls the other, through any chain, or both have a common controller.

    The same as the view `related_party`, but looks only upwards from the two; nobody is related to itself.
    """
    if a == b:
        return False
    where = {"a": a, "b": b, "on": on}
    return (await (await session.connection()).execute(_RELATED, where)).first() is not None
