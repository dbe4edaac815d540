"""Reading resources."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.zones.resources.rules import PUBLIC_STATES
from datamarket.zones.resources.tables import Resource
from datamarket.zones.resources.terms import ResourceState
from datamarket.zones.tables import Zone
from datamarket.zones.terms import Level


async def get_resource(session: AsyncSession, resource_id: UUID, *, visible_to: Actor | None) -> Resource:
    """Raises NotFound, also for one that is not the caller's to see."""
    return await one_row(session, _resource(resource_id, visible_to), "resource")


async def lock_resource(session: AsyncSession, resource_id: UUID, *, visible_to: Actor | None) -> Resource:
    """The newest row, held until the transaction ends. Raises NotFound."""
    locked = _resource(resource_id, visible_to).with_for_update(key_share=True)
    return await one_row(session, locked.execution_options(populate_existing=True), "resource")


def _resource(resource_id: UUID, actor: Actor | None) -> SelectOfScalar[Resource]:
    return select(Resource).where(Resource.id == resource_id, _visible(actor))


async def resources_by_ids(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Resource]:
    """Those that exist, each once, whatever their state."""
    found = await session.exec(select(Resource).where(col(Resource.id).in_(set(ids))))
    return {resource.id: resource for resource in found}


async def list_resources(
    session: AsyncSession,
    *,
    visible_to: Actor | None,
    zone_id: UUID | None = None,
    level: Level | None = None,
    state: ResourceState | None = None,
    page: PageAsked[UUID],
) -> Sequence[Resource]:
    """Those that the caller may see, in the order they were drafted."""
    wanted = asked((Resource.zone_id, zone_id), (Resource.level, level), (Resource.state, state))
    statement = select(Resource).where(_visible(visible_to), *wanted)
    return (await session.exec(keyset(statement, col(Resource.id), page))).all()


def _visible(actor: Actor | None) -> ColumnElement[bool]:
    """What was publicised is everyone's to see; the rest its operator's, its supplier's and the overseers'."""
    public = col(Resource.state).in_(PUBLIC_STATES)
    if actor is None:
        return public
    if actor.sees_all:
        return true()
    own_zones = select(Zone.id).where(Zone.operator_id == actor.participant_id)
    return or_(
        public,
        col(Resource.supplying_unit_id) == actor.participant_id,
        col(Resource.zone_id).in_(own_zones),
    )
