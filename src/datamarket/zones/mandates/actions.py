"""Moving a mandate through its life, and what follows for the zone's listings and contracts."""

from datetime import date, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause
from datamarket.zones import queries
from datamarket.zones import rules as zones_rules
from datamarket.zones.limits import limits_on
from datamarket.zones.mandates import rules
from datamarket.zones.tables import Mandate
from datamarket.zones.terms import MandateEvent

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
    now: datetime,
) -> Mandate:
    """One step, under the locks of the zone and of the mandate; `plan` says what becomes of contracts and money.

    Raises TransitionNotAllowed, ReasonMissing, what `rules.check_move` raises, MandateTermEmpty, TermTooLong,
    LimitUnstated, MandateOverlaps.
    """
    on = business_date(now)
    rules.check_move(event, term_to=mandate.term_to, renewed_to=term_to, filed_on=filed_on, on=on)
    state = rules.MANDATE_LIFE.after(mandate.state, event)
    rules.MANDATE_LIFE.check_reason(event, reason)
    before = mandate.term_to
    if term_to is not None and filed_on is not None:
        years = zones_rules.stated(limits_on(before).mandate_years, "mandate_years", before)
        zones_rules.check_mandate_term(before, term_to, reason, limit_years=years)
        await _check_free(session, mandate, before, term_to)
        mandate.term_to, mandate.filed_on = term_to, filed_on
    elif event is MandateEvent.REINSTATE:
        await _check_free(session, mandate, mandate.ended_on or on, before)
        mandate.ended_on = None
    elif event is MandateEvent.WITHDRAW:
        mandate.ended_on = on
    mandate.state = state
    mandate.reason = mandate.reason if event is MandateEvent.EVALUATE else reason
    mandate.version += 1
    facts = {"reason": reason, "plan": plan, "term_to": mandate.term_to.isoformat()}
    await record(session, actor, f"zones.{event}-mandate", ("mandate", mandate.id), now=now, **facts)
    if event is MandateEvent.WITHDRAW:
        cause, days = StoppageCause.MANDATE_WITHDRAWN, limits_on(on).wind_down_days or 0
        await stoppages.stop(session, actor, mandate.id, cause, reason=reason, wind_down_days=days, now=now)
    elif event is MandateEvent.REINSTATE:
        await stoppages.lift(session, actor, mandate.id, now=now)
    elif event is MandateEvent.RENEW:
        await stoppages.follow(session, actor, [mandate.id], now=now)
    return mandate


async def _check_free(session: AsyncSession, mandate: Mandate, term_from: date, term_to: date) -> None:
    """No other mandate of the zone shares a day. Raises MandateOverlaps."""
    known = await queries.mandate_within(session, mandate.zone_id, term_from, term_to, besides=mandate.id)
    if known is not None:
        raise zones_rules.MandateOverlaps(term_from=known.term_from, term_to=known.term_to)


async def expire_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """Mandates of which the term is over, one batch, and listings of which a mandate or a registration has run out."""
    async with database.transaction() as session:
        due = await queries.lock_run_out(session, business_date(now), LARGEST_BATCH)
        for mandate in due:
            mandate.state = rules.MANDATE_LIFE.after(mandate.state, MandateEvent.EXPIRE)
            mandate.version += 1
            await record(session, CLOCK, "zones.expire-mandate", ("mandate", mandate.id), now=now)
        return len(due) + await stoppages.follow(session, CLOCK, None, now=now)
