"""Zones, mandates, scenarios and registered resources, made as operators and the authority make them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.participants.tables import Participant
from datamarket.participants.terms import IncomeClass, ParticipantKind
from datamarket.zones import actions as zone_actions
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources.tables import Resource
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.tables import Mandate, Scenario, Zone
from datamarket.zones.terms import Level, MandateMode, UseClass, ZoneEvent
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, moment, unique

TERM_FROM, TERM_TO = date(2023, 1, 1), date(2028, 1, 1)
REGISTRATION_STEPS = (
    ResourceEvent.SUBMIT,
    ResourceEvent.ACCEPT,
    ResourceEvent.REVIEW,
    ResourceEvent.PUBLICISE,
    ResourceEvent.CODE,
)


@dataclass(frozen=True)
class OperatedZone:
    """An open zone, its operator, the operator's account, and the mandate it stands on."""

    zone: Zone
    operator: Participant
    account: Actor
    mandate: Mandate


async def draft_zone(session: AsyncSession, operator: Participant) -> Zone:
    code = unique("Z")
    return await zone_actions.found_zone(
        session,
        AUTHORITY,
        code=code,
        name_zh=f"模拟专区 {code}",
        name_en=f"Zone {code}",
        field="ocean",
        operator_id=operator.id,
        now=moment(),
    )


async def mandate(
    session: AsyncSession,
    zone: Zone,
    operator: Participant,
    *,
    term_from: date = TERM_FROM,
    term_to: date = TERM_TO,
    reason_long_term: str | None = None,
) -> Mandate:
    return await zone_actions.grant_mandate(
        session,
        AUTHORITY,
        zone_id=zone.id,
        operator_id=operator.id,
        mode=MandateMode.FIELD,
        term_from=term_from,
        term_to=term_to,
        filed_on=term_from,
        reason_long_term=reason_long_term,
        now=moment(),
    )


async def open_zone(
    session: AsyncSession, *, term_from: date = TERM_FROM, term_to: date = TERM_TO
) -> OperatedZone:
    """A zone in operation, with an operator of its own."""
    operator = await admitted(session, ParticipantKind.ZONE_OPERATOR)
    zone = await draft_zone(session, operator)
    granted = await mandate(session, zone, operator, term_from=term_from, term_to=term_to)
    opened = await zone_actions.move_zone(session, AUTHORITY, zone, ZoneEvent.OPEN, now=moment())
    return OperatedZone(opened, operator, acting_for(operator), granted)


async def scenario(
    session: AsyncSession, zone_id: UUID, *, use_class: UseClass = UseClass.INDUSTRY
) -> Scenario:
    code = unique("S")
    return await zone_actions.add_scenario(
        session,
        AUTHORITY,
        zone_id=zone_id,
        code=code,
        name_zh=f"模拟场景 {code}",
        name_en=f"Scenario {code}",
        use_class=use_class,
        family="沧海图",
        now=moment(),
    )


async def supplying_unit(
    session: AsyncSession, income_class: IncomeClass = IncomeClass.ADMINISTRATIVE
) -> Participant:
    return await admitted(
        session, ParticipantKind.SUPPLYING_UNIT, income_class=income_class, division="370200"
    )


async def draft_resource(
    session: AsyncSession,
    operated: OperatedZone,
    *,
    supplier: Participant | None = None,
    level: Level = Level.GENERAL,
) -> Resource:
    """Not yet submitted; with a supplying unit of its own unless one is given."""
    unit = supplier or await supplying_unit(session)
    code = unique("RES")
    return await resource_actions.register_resource(
        session,
        operated.account,
        zone_id=operated.zone.id,
        supplying_unit_id=unit.id,
        code=code,
        name_zh=f"模拟资源 {code}",
        name_en=f"Resource {code}",
        level=level,
        now=moment(),
    )


async def registered_resource(
    session: AsyncSession,
    operated: OperatedZone,
    *,
    supplier: Participant | None = None,
    level: Level = Level.GENERAL,
) -> Resource:
    """Through every step to its code."""
    resource = await draft_resource(session, operated, supplier=supplier, level=level)
    for event in REGISTRATION_STEPS:
        by = operated.account if event is ResourceEvent.SUBMIT else AUTHORITY
        resource = await resource_actions.move_resource(session, by, resource, event, now=moment())
    return resource
