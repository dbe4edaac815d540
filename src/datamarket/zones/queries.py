"""Reading zones, mandates, scenarios."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, asked, get_row, keyset, lock_row
from datamarket.zones.tables import Mandate, Scenario, Zone
from datamarket.zones.terms import ZoneState


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
    statement = select(Mandate).where(
        Mandate.zone_id == zone_id, Mandate.term_from <= on, Mandate.term_to > on
    )
    return (await session.exec(statement)).first()


async def mandate_within(
    session: AsyncSession, zone_id: UUID, term_from: date, term_to: date
) -> Mandate | None:
    """A mandate that shares a day with the half-open term."""
    statement = select(Mandate).where(
        Mandate.zone_id == zone_id, Mandate.term_from < term_to, Mandate.term_to > term_from
    )
    return (await session.exec(statement)).first()


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
