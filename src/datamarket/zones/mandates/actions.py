"""Moving a mandate through its life, and what follows for the zone's listings and contracts."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database, driver
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages import queries as stopped
from datamarket.stoppages.terms import StoppageCause
from datamarket.zones import queries, succession
from datamarket.zones import rules as zones_rules
from datamarket.zones.limits import limits_on
from datamarket.zones.mandates import rules
from datamarket.zones.tables import Mandate
from datamarket.zones.terms import ExitCourse, MandateEvent
from datamarket.zones.undertakings import actions as undertakings

LARGEST_BATCH = 200


async def move_mandate(
    session: AsyncSession,
    actor: Actor,
    mandate: Mandate,
    event: MandateEvent,
    *,
    reason: str | None = None,
    term_to: date | None = None,
    filed_on: date | None = None,
    plan: str | None = None,
    exit_course: ExitCourse | None = None,
    now: datetime,
) -> Mandate:
    """One step, under the locks of the zone and of the mandate; `plan` says what becomes of money, the course of contracts.

    Raises TransitionNotAllowed, ReasonMissing, what `rules.check_move` raises, MandateTermEmpty, TermTooLong,
    LimitUnstated, MandateOverlaps.
    """
    on = business_date(now)
    rules.check_move(event, term_to=mandate.term_to, renewed_to=term_to, filed_on=filed_on, on=on)
    rules.check_exit(event, exit_course)
    state = rules.MANDATE_LIFE.after(mandate.state, event)
    rules.MANDATE_LIFE.check_reason(event, reason)
    if term_to is not None and filed_on is not None:
        await _renew(session, mandate, term_to, filed_on, reason)
    elif event is MandateEvent.REINSTATE:
        await _check_free(session, mandate, mandate.ended_on or on, mandate.term_to)
        mandate.ended_on = mandate.exit_course = mandate.followed_by = None
    elif event is MandateEvent.WITHDRAW:
        mandate.ended_on, mandate.exit_course = on, exit_course or ExitCourse.WIND_DOWN
    mandate.state = state
    mandate.reason = mandate.reason if event is MandateEvent.EVALUATE else reason
    mandate.version += 1
    facts = {"reason": reason, "plan": plan, "term_to": mandate.term_to.isoformat()}
    facts["exit_course"] = mandate.exit_course
    await record(session, actor, f"zones.{event}-mandate", ("mandate", mandate.id), now=now, **facts)
    if event is MandateEvent.WITHDRAW:
        await _stop(session, actor, mandate, reason or "", now)
    elif event is MandateEvent.REINSTATE:
        await stoppages.lift(session, actor, mandate.id, now=now)
    elif event is MandateEvent.RENEW:
        await undertakings.fulfil(session, actor, mandate, mandate.term_to, now=now)
        await stoppages.follow(session, actor, [mandate.id], now=now)
    return mandate


async def _renew(
    session: AsyncSession, mandate: Mandate, term_to: date, filed_on: date, reason: str | None
) -> None:
    before = mandate.term_to
    years = zones_rules.stated(limits_on(before).mandate_years, "mandate_years", before)
    zones_rules.check_mandate_term(before, term_to, reason, limit_years=years)
    await _check_free(session, mandate, before, term_to)
    mandate.term_to, mandate.filed_on = term_to, filed_on


async def _stop(session: AsyncSession, actor: Actor, mandate: Mandate, reason: str, now: datetime) -> None:
    """Contracts are held before listings and meters: who moves one of them waits, and nobody waits for him."""
    await session.flush()
    ending = mandate.exit_course == ExitCourse.END
    running = await stopped.lock_running(await driver(session), mandate.id) if ending else []
    cause, days = StoppageCause.MANDATE_WITHDRAWN, limits_on(business_date(now)).wind_down_days or 0
    await stoppages.stop(session, actor, mandate.id, cause, reason=reason, wind_down_days=days, now=now)
    if ending:
        await stoppages.hand_over(
            session, actor, mandate.id, running, successor_id=None, reason=reason, now=now
        )


async def _check_free(session: AsyncSession, mandate: Mandate, term_from: date, term_to: date) -> None:
    """No other mandate of the zone shares a day. Raises MandateOverlaps."""
    known = await queries.mandate_within(session, mandate.zone_id, term_from, term_to, besides=mandate.id)
    if known is not None:
        raise zones_rules.MandateOverlaps(term_from=known.term_from, term_to=known.term_to)


async def expire_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """Mandates of which the term is over, one batch, and listings of which a mandate or a registration has run out.

    What waited for the next mandate goes on under it once its term begins, and who undertook a renewal is held to it.
    """
    async with database.transaction() as session:
        due = await queries.lock_run_out(session, business_date(now), LARGEST_BATCH)
        for mandate in due:
            mandate.state = rules.MANDATE_LIFE.after(mandate.state, MandateEvent.EXPIRE)
            mandate.version += 1
            await record(session, CLOCK, "zones.expire-mandate", ("mandate", mandate.id), now=now)
        done = len(due) + await stoppages.follow(session, CLOCK, None, now=now)
    for mandate in await _beginning(database, now):
        async with database.transaction() as session:
            held = await queries.lock_mandate(session, mandate.zone_id, mandate.id)
            await succession.carry(session, CLOCK, held, now=now)
    return done


async def _beginning(database: Database, now: datetime) -> Sequence[Mandate]:
    async with database.transaction(reading=True) as session:
        return await queries.mandates_to_follow(session, business_date(now), LARGEST_BATCH)
