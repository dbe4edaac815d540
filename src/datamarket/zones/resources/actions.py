"""Registering public-data resources: drafts, and the steps of the registration."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date, start_of_day
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.participants.terms import ParticipantKind
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause
from datamarket.zones import queries as zones_queries
from datamarket.zones import rules as zones_rules
from datamarket.zones.limits import limits_on
from datamarket.zones.resources import rules
from datamarket.zones.resources.tables import Resource, ResourceFiling
from datamarket.zones.resources.terms import FilingKind, ResourceEvent, ResourceState
from datamarket.zones.terms import Level

FILED_BY: dict[ResourceEvent, FilingKind] = {
    ResourceEvent.CODE: FilingKind.FIRST,
    ResourceEvent.RENEW: FilingKind.RENEWAL,
    ResourceEvent.CANCEL: FilingKind.CANCELLATION,
}


async def register_resource(
    session: AsyncSession,
    actor: Actor,
    *,
    zone_id: UUID,
    supplying_unit_id: UUID,
    code: str,
    name_zh: str,
    name_en: str,
    level: Level,
    records: int | None = None,
    now: datetime,
) -> Resource:
    """A draft by the zone's operator, of data that an admitted supplying unit supplies.

    Raises ZoneNotYours, ZoneNotOpen, ResourceCodeTaken, ParticipantNotAdmitted, ParticipantKindWrong.
    """
    zone = await zones_queries.get_zone(session, zone_id)
    rules.check_operates(actor, zone.operator_id)
    zones_rules.check_open(zone.state, name_zh=zone.name_zh, name_en=zone.name_en)
    await participants.lock_admitted_as(session, supplying_unit_id, ParticipantKind.SUPPLYING_UNIT)
    resource = Resource(
        id=new_id(now),
        zone_id=zone_id,
        supplying_unit_id=supplying_unit_id,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        level=level,
        records=records,
        created_at=now,
    )
    session.add(resource)
    await record(
        session,
        actor,
        "zones.register-resource",
        ("resource", resource.id),
        now=now,
        code=code,
        level=level,
        records=records,
        supplying_unit=str(supplying_unit_id),
    )
    return resource


async def edit_resource(
    session: AsyncSession,
    actor: Actor,
    resource: Resource,
    *,
    name_zh: str,
    name_en: str,
    level: Level,
    records: int | None = None,
    now: datetime,
) -> Resource:
    """Before it is submitted, or after it was returned; of how many records stays as it is when None. Raises ZoneNotYours and ContentFixed."""
    zone = await zones_queries.get_zone(session, resource.zone_id)
    rules.check_operates(actor, zone.operator_id)
    if ResourceState(resource.state) not in rules.EDITABLE_STATES:
        raise rules.ContentFixed(state=ResourceState(resource.state))
    resource.name_zh, resource.name_en, resource.level = name_zh, name_en, level
    resource.records = resource.records if records is None else records
    resource.version += 1
    told = {"level": level, "records": resource.records}
    await record(session, actor, "zones.edit-resource", ("resource", resource.id), now=now, **told)
    return resource


async def move_resource(
    session: AsyncSession,
    actor: Actor,
    resource: Resource,
    event: ResourceEvent,
    *,
    reason: str | None = None,
    registration_code: str | None = None,
    now: datetime,
) -> Resource:
    """One step of the registration; the operator submits and renews, the authority does the rest.

    One that has lapsed is submitted again, and registered anew: from its new code on, what stood on it goes on.
    `registration_code` is one that was given elsewhere; without it the event `code` makes one.
    Raises ResourceEventNotYours, ZoneNotYours, TransitionNotAllowed, ReasonMissing, and what the step itself
    refuses: RegistrationPublicityRunning, RenewalOutsideWindow, RegistrationCodeTaken, ParticipantNotAdmitted.
    """
    await _check_may(session, actor, resource, event)
    on = business_date(now)
    lapsed = rules.is_lapsed(resource.state, resource.valid_to, on)
    state = rules.after(resource.state, event, lapsed=lapsed)
    rules.RESOURCE_LIFE.check_reason(event, reason)
    if event is ResourceEvent.SUBMIT:
        await participants.lock_admitted(session, resource.supplying_unit_id)
    elif event is ResourceEvent.CODE:
        await _give_code(session, resource, registration_code, on)
    elif event is ResourceEvent.RENEW:
        _renew(resource, on)
    if event in rules.DAY_OF:
        setattr(resource, rules.DAY_OF[event], on)
    resource.state, resource.reason = state, reason
    resource.version += 1
    if event in FILED_BY:
        session.add(filing_of(resource, FILED_BY[event], reason, now))
    facts = {"reason": reason, "valid_to": resource.valid_to and resource.valid_to.isoformat()}
    await record(session, actor, f"zones.resource-{event}", ("resource", resource.id), now=now, **facts)
    ended = start_of_day(resource.valid_to) if lapsed and resource.valid_to is not None else None
    await _stop_or_go_on(session, actor, resource, event, ended=ended, now=now)
    return resource


async def _stop_or_go_on(
    session: AsyncSession,
    actor: Actor,
    resource: Resource,
    event: ResourceEvent,
    *,
    ended: datetime | None,
    now: datetime,
) -> None:
    """What follows for listings and contracts; `ended` is when a registration had lapsed that begins anew."""
    if event is ResourceEvent.SUBMIT and ended is not None:
        cause = StoppageCause.REGISTRATION_LAPSED
        await stoppages.stop(session, actor, resource.id, cause, reason=None, now=ended)
    elif event is ResourceEvent.CODE:
        await stoppages.lift(session, actor, resource.id, now=now)
    elif event is ResourceEvent.CANCEL:
        cause, days = StoppageCause.REGISTRATION_CANCELLED, limits_on(business_date(now)).wind_down_days or 0
        await stoppages.stop(
            session, actor, resource.id, cause, reason=resource.reason, wind_down_days=days, now=now
        )
    elif event is ResourceEvent.RENEW:
        await stoppages.follow(session, actor, [resource.id], now=now)


async def _check_may(session: AsyncSession, actor: Actor, resource: Resource, event: ResourceEvent) -> None:
    needed = rules.PERMISSION_FOR[event]
    if not actor.may(needed):
        raise rules.ResourceEventNotYours(event=event, permission=needed)
    if event in rules.OPERATOR_EVENTS:
        zone = await zones_queries.get_zone(session, resource.zone_id)
        rules.check_operates(actor, zone.operator_id)


async def _give_code(
    session: AsyncSession, resource: Resource, registration_code: str | None, on: date
) -> None:
    limits = limits_on(on)
    rules.check_publicity_over(resource.publicised_on or on, on, working_days=limits.publicity_working_days)
    years = zones_rules.stated(limits.validity_years, "validity_years", on)
    if registration_code is None:
        supplier = await participants.get_participant(session, resource.supplying_unit_id)
        registration_code = rules.registration_code(supplier.division, on.year, resource.code)
    resource.registration_code = registration_code
    resource.registered_on = on
    resource.valid_to = zones_rules.add_years(on, years)


def _renew(resource: Resource, on: date) -> None:
    limits = limits_on(on)
    valid_to = resource.valid_to or on
    days = zones_rules.stated(limits.renewal_window_days, "renewal_window_days", on)
    rules.check_renewal_window(valid_to, on, window_days=days)
    resource.valid_to = zones_rules.add_years(
        valid_to, zones_rules.stated(limits.validity_years, "validity_years", on)
    )


def filing_of(resource: Resource, kind: FilingKind, reason: str | None, now: datetime) -> ResourceFiling:
    return ResourceFiling(id=new_id(now), resource_id=resource.id, kind=kind, reason=reason, filed_at=now)
