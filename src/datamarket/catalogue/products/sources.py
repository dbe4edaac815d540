"""What a product stands on, looked at when it is submitted and when it enters the market."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.products import rules
from datamarket.zones import queries as zones
from datamarket.zones import rules as zones_rules
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources import rules as zone_rules
from datamarket.zones.terms import Level, UseClass


async def check_scenario(
    session: AsyncSession, zone_id: UUID | None, scenario_id: UUID | None
) -> UseClass | None:
    """The use class of the scenario. Raises NotFound or ScenarioNotOfZone."""
    if scenario_id is None:
        return None
    scenario = await zones.get_scenario(session, scenario_id)
    if scenario.zone_id != zone_id:
        raise rules.ScenarioNotOfZone
    return UseClass(scenario.use_class)


async def check_sources(
    session: AsyncSession, *, zone_id: UUID | None, resources: Sequence[UUID], level: Level, on: date
) -> list[Level]:
    """The levels of the resources: all of the zone, registered, below core, the zone open and under a mandate.

    Raises CoreNeverTrades, ZoneNotOpen, ZoneWithoutMandate, ResourceNotOfZone or ResourceNotRegistered.
    """
    zone_rules.check_tradable(level)
    if zone_id is None:
        return []
    zone = await zones.get_zone(session, zone_id)
    zones_rules.check_open(zone.state, name_zh=zone.name_zh, name_en=zone.name_en)
    if await zones.mandate_at(session, zone_id, on) is None:
        raise rules.ZoneWithoutMandate(on=on)
    found = await resource_queries.resources_by_ids(session, resources)
    for key in resources:
        resource = found.get(key)
        if resource is None or resource.zone_id != zone_id:
            raise rules.ResourceNotOfZone(resource=key)
        if not zone_rules.is_valid(resource.state, resource.valid_to, on):
            raise rules.ResourceNotRegistered(
                resource=key
            )  # its code and state may not be the maker's to see
        zone_rules.check_tradable(resource.level)
    return [Level(resource.level) for resource in found.values()]
