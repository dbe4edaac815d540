"""Reading zones, mandates, scenarios."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import and_, col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.foundation.db import PageAsked, asked, get_row, keyset, lock_row, one_row
from datamarket.zones.tables import Mandate, Scenario, Zone
from datamarket.zones.terms import ExitCourse, MandateState, ZoneState

_MANDATE_ENDS = func.coalesce(Mandate.ended_on, Mandate.term_to)


async def get_zone(session: AsyncSession, zone_id: UUID) -> Zone:
    """Raises NotFound."""
    return await get_row(session, Zone, zone_id, "zone")


async def lock_zone(session: AsyncSession, zone_id: UUID) -> Zone:
    """The newest row, held until the transaction ends: its mandates change only under it. Raises NotFound."""
    return await lock_row(session, Zone, zone_id, "zone", key_share=True)


async def list_zones(
    session: AsyncSession, *, state: ZoneState | None = None, page: PageAsked[UUID]
) -> Sequence[Zone]:
    """In the order they were founded."""
    statement = select(Zone).where(*asked((Zone.state, state)))
    return (await session.exec(keyset(statement, col(Zone.id), page))).all()


async def mandate_at(session: AsyncSession, zone_id: UUID, on: date) -> Mandate | None:
    """The mandate in force on this day, if any: never more than one."""
    statement = select(Mandate).where(Mandate.zone_id == zone_id, Mandate.term_from <= on, on < _MANDATE_ENDS)
    return (await session.exec(statement)).first()


async def mandate_within(
    session: AsyncSession, zone_id: UUID, term_from: date, term_to: date, *, besides: UUID | None = None
) -> Mandate | None:
    """A mandate that shares a day with the half-open term; one that was withdrawn ends with that day."""
    statement = select(Mandate).where(
        Mandate.zone_id == zone_id, Mandate.term_from < term_to, term_from < _MANDATE_ENDS
    )
    if besides is not None:
        statement = statement.where(Mandate.id != besides)
    return (await session.exec(statement)).first()


async def get_mandate(session: AsyncSession, zone_id: UUID, mandate_id: UUID) -> Mandate:
    """Raises NotFound, also for one of another zone."""
    return await one_row(session, _mandate(zone_id, mandate_id), "mandate")


async def lock_mandate(session: AsyncSession, zone_id: UUID, mandate_id: UUID) -> Mandate:
    """The newest row, held with its zone until the transaction ends. Raises NotFound, also for one of another zone."""
    await lock_zone(session, zone_id)
    locked = _mandate(zone_id, mandate_id).with_for_update(key_share=True)
    return await one_row(session, locked.execution_options(populate_existing=True), "mandate")


def _mandate(zone_id: UUID, mandate_id: UUID) -> SelectOfScalar[Mandate]:
    return select(Mandate).where(Mandate.id == mandate_id, Mandate.zone_id == zone_id)


async def lock_run_out(session: AsyncSession, on: date, limit: int) -> Sequence[Mandate]:
    """Mandates that were never withdrawn and are over by their term, locked; those that somebody moves are left out."""
    statement = (
        select(Mandate)
        .where(Mandate.state == MandateState.GRANTED, Mandate.term_to <= on)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (await session.exec(statement)).all()


async def lock_waiting(session: AsyncSession, successor: Mandate, on: date) -> Sequence[Mandate]:
    """Former mandates of its zone of which contracts wait for the next, locked: over, or withdrawn with that course."""
    statement = (
        select(Mandate)
        .where(
            Mandate.zone_id == successor.zone_id,
            Mandate.id != successor.id,
            col(Mandate.followed_by).is_(None),
            or_(
                and_(Mandate.state != MandateState.WITHDRAWN, Mandate.term_to <= on),
                Mandate.exit_course == ExitCourse.MOVE,
            ),
        )
        .order_by(col(Mandate.id))
        .with_for_update(key_share=True)
    )
    return (await session.exec(statement)).all()


async def mandates_to_follow(session: AsyncSession, on: date, limit: int) -> Sequence[Mandate]:
    """Mandates in force that were granted before their term began, and may have contracts to take over since."""
    former = aliased(Mandate)
    statement = (
        select(Mandate)
        .join(former, col(former.zone_id) == Mandate.zone_id)
        .where(
            Mandate.term_from <= on,
            on < _MANDATE_ENDS,
            former.id != Mandate.id,
            former.term_to <= on,
            former.state != MandateState.WITHDRAWN,
            col(former.followed_by).is_(None),
        )
        .distinct()
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def list_mandates(session: AsyncSession, zone_id: UUID, *, page: PageAsked[UUID]) -> Sequence[Mandate]:
    """In the order they were granted."""
    statement = select(Mandate).where(Mandate.zone_id == zone_id)
    return (await session.exec(keyset(statement, col(Mandate.id), page))).all()


async def get_scenario(session: AsyncSession, scenario_id: UUID) -> Scenario:
    """Raises NotFound."""
    return await get_row(session, Scenario, scenario_id, "scenario")


async def list_scenarios(
    session: AsyncSession, zone_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[Scenario]:
    """In the order they were added."""
    statement = select(Scenario).where(Scenario.zone_id == zone_id)
    return (await session.exec(keyset(statement, col(Scenario.id), page))).all()
