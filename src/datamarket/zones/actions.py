"""Founding, opening and closing zones; granting mandates; adding scenarios."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.participants.terms import ParticipantKind
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause
from datamarket.zones import queries, rules, succession
from datamarket.zones.limits import limits_on
from datamarket.zones.tables import Mandate, Scenario, Zone
from datamarket.zones.terms import MandateMode, UseClass, ZoneEvent, ZoneState
from datamarket.zones.undertakings import actions as undertakings


async def found_zone(
    session: AsyncSession,
    actor: Actor,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    field: str,
    operator_id: UUID,
    now: datetime,
) -> Zone:
    """A draft, planned for an admitted zone operator.

    Raises ParticipantNotAdmitted, ParticipantKindWrong and ZoneCodeTaken.
    """
    await participants.lock_admitted_as(session, operator_id, ParticipantKind.ZONE_OPERATOR)
    zone = Zone(
        id=new_id(now),
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        field=field,
        operator_id=operator_id,
        created_at=now,
    )
    session.add(zone)
    await record(
        session, actor, "zones.found", ("zone", zone.id), now=now, code=code, operator=str(operator_id)
    )
    return zone


async def move_zone(
    session: AsyncSession,
    actor: Actor,
    zone: Zone,
    event: ZoneEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> Zone:
    """Open under a mandate in force, or close: what stands on the zone stops, until it is open again.

    Raises TransitionNotAllowed, ReasonMissing, MandateMissing.
    """
    state = rules.ZONE_LIFE.after(zone.state, event)
    rules.ZONE_LIFE.check_reason(event, reason)
    on = business_date(now)
    if event is not ZoneEvent.CLOSE and await queries.mandate_at(session, zone.id, on) is None:
        raise rules.MandateMissing(on=on)
    zone.opened_on = on if event is ZoneEvent.OPEN else zone.opened_on
    zone.closed_on = on if event is ZoneEvent.CLOSE else None
    zone.state, zone.reason = state, reason
    zone.version += 1
    await record(session, actor, f"zones.{event}", ("zone", zone.id), now=now, reason=reason)
    if event is ZoneEvent.CLOSE:
        await stoppages.stop(
            session,
            actor,
            zone.id,
            StoppageCause.ZONE_CLOSED,
            reason=reason,
            wind_down_days=limits_on(on).wind_down_days or 0,
            now=now,
        )
    elif event is ZoneEvent.REOPEN:
        await stoppages.lift(session, actor, zone.id, now=now)
    return zone


async def grant_mandate(
    session: AsyncSession,
    actor: Actor,
    *,
    zone_id: UUID,
    operator_id: UUID,
    mode: MandateMode,
    term_from: date,
    term_to: date,
    filed_on: date,
    reason_long_term: str | None = None,
    now: datetime,
) -> Mandate:
    """Authorise an operator for a half-open term; another operator than before takes the zone over.

    Raises MandateTermEmpty, TermTooLong, ZoneClosed, MandateOverlaps, OperatorChangesLater, and what
    `participants.lock_admitted_as` raises.
    """
    limit_years = rules.stated(limits_on(term_from).mandate_years, "mandate_years", term_from)
    rules.check_mandate_term(term_from, term_to, reason_long_term, limit_years=limit_years)
    zone = await queries.lock_zone(session, zone_id)
    if zone.state == ZoneState.CLOSED:
        raise rules.ZoneClosed(zone_zh=zone.name_zh, zone_en=zone.name_en)
    await participants.lock_admitted_as(session, operator_id, ParticipantKind.ZONE_OPERATOR)
    known = await queries.mandate_within(session, zone_id, term_from, term_to)
    if known is not None:
        raise rules.MandateOverlaps(term_from=known.term_from, term_to=known.term_to)
    _hand_over(zone, operator_id, in_term=term_from <= business_date(now) < term_to)
    mandate = Mandate(
        id=new_id(now),
        zone_id=zone_id,
        operator_id=operator_id,
        mode=mode,
        term_from=term_from,
        term_to=term_to,
        filed_on=filed_on,
        reason_long_term=reason_long_term,
        created_at=now,
    )
    session.add(mandate)
    await record(session, actor, "zones.grant-mandate", ("zone", zone_id), now=now, **_facts_of(mandate))
    await undertakings.fulfil_followed(session, actor, mandate, now=now)
    await succession.carry(session, actor, mandate, now=now)
    return mandate


def _facts_of(mandate: Mandate) -> dict[str, str | None]:
    return {
        "mandate": str(mandate.id),
        "operator": str(mandate.operator_id),
        "mode": mandate.mode,
        "term_from": mandate.term_from.isoformat(),
        "term_to": mandate.term_to.isoformat(),
        "reason": mandate.reason_long_term,
    }


def _hand_over(zone: Zone, operator_id: UUID, *, in_term: bool) -> None:
    if operator_id == zone.operator_id:
        return
    if zone.state == ZoneState.OPEN and not in_term:
        raise rules.OperatorChangesLater
    zone.operator_id = operator_id
    zone.version += 1


async def add_scenario(
    session: AsyncSession,
    actor: Actor,
    *,
    zone_id: UUID,
    code: str,
    name_zh: str,
    name_en: str,
    use_class: UseClass,
    family: str,
    operation: str | None = None,
    now: datetime,
) -> Scenario:
    """A use that the zone is operated for. Raises ZoneNotOpen and ScenarioCodeTaken."""
    zone = await queries.get_zone(session, zone_id)
    rules.check_open(zone.state, name_zh=zone.name_zh, name_en=zone.name_en)
    scenario = Scenario(
        id=new_id(now),
        zone_id=zone_id,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        use_class=use_class,
        family=family,
        operation=operation,
        created_at=now,
    )
    session.add(scenario)
    await record(
        session, actor, "zones.add-scenario", ("scenario", scenario.id), now=now, code=code, use=use_class
    )
    return scenario
