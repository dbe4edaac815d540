"""Giving an undertaking to renew, fulfilling it, and telling that it fell due."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.zones import queries as zones
from datamarket.zones import rules as zones_rules
from datamarket.zones.limits import limits_on
from datamarket.zones.resources.rules import check_operates
from datamarket.zones.tables import Mandate
from datamarket.zones.terms import MandateState
from datamarket.zones.undertakings import queries, rules
from datamarket.zones.undertakings.tables import RenewalUndertaking

LARGEST_BATCH = 200


async def give_undertaking(
    session: AsyncSession,
    actor: Actor,
    *,
    zone_id: UUID,
    mandate_id: UUID,
    document: str,
    document_sha256: str,
    renewed_to: date,
    due_on: date,
    now: datetime,
) -> RenewalUndertaking:
    """The mandate's operator undertakes its renewal, for no longer than a mandate may run.

    Raises NotFound, ZoneNotYours, MandateNotInForce, UndertakingDueWrong, UndertakingOpen, MandateTermEmpty, TermTooLong.
    """
    on = business_date(now)
    mandate = await zones.lock_mandate(session, zone_id, mandate_id)
    check_operates(actor, mandate.operator_id)
    if mandate.state != MandateState.GRANTED or not mandate.term_from <= on < mandate.term_to:
        raise rules.MandateNotInForce
    rules.check_due(due_on, mandate.term_to, on)
    years = zones_rules.stated(limits_on(mandate.term_to).mandate_years, "mandate_years", mandate.term_to)
    zones_rules.check_mandate_term(mandate.term_to, renewed_to, None, limit_years=years)
    row = RenewalUndertaking(
        id=new_id(now),
        mandate_id=mandate_id,
        document=document,
        document_sha256=document_sha256,
        renewed_to=renewed_to,
        due_on=due_on,
        given_at=now,
    )
    session.add(row)
    await evidence.record(
        session, actor, "zones.give-undertaking", ("mandate", mandate_id), now=now, **_facts_of(row)
    )
    return row


def _facts_of(row: RenewalUndertaking) -> dict[str, str]:
    return {
        "undertaking": str(row.id),
        "document_sha256": row.document_sha256,
        "renewed_to": row.renewed_to.isoformat(),
        "due_on": row.due_on.isoformat(),
    }


async def fulfil(
    session: AsyncSession, actor: Actor, mandate: Mandate, renewed_to: date, *, now: datetime
) -> None:
    """What this mandate's operator undertook is done by a term until `renewed_to`. The caller holds the mandate."""
    for row in await queries.unfulfilled(session, [mandate.id], renewed_to):
        row.fulfilled_at = now
        await evidence.record(
            session, actor, "zones.undertaking-fulfilled", ("mandate", mandate.id), now=now, **_facts_of(row)
        )


async def fulfil_followed(session: AsyncSession, actor: Actor, mandate: Mandate, *, now: datetime) -> None:
    """A mandate that joins the one before it, for the same operator, is its renewal. The caller holds the zone."""
    former = await zones.mandate_at(session, mandate.zone_id, mandate.term_from - timedelta(days=1))
    if former is not None and former.operator_id == mandate.operator_id:
        await fulfil(session, actor, former, mandate.term_to, now=now)


async def tell_overdue(database: Database, _ledger_id: int, now: datetime) -> int:
    """Undertakings of which the day has come, and no renewal: told once, one batch; contracts no longer rely on them."""
    async with database.transaction() as session:
        due = await queries.lock_due(session, business_date(now), LARGEST_BATCH)
        for row in due:
            row.overdue_at = now
        await session.flush()
        if due:
            await evidence.record_many(
                await driver(session),
                "zones.undertaking-overdue",
                "mandate",
                [evidence.Event(CLOCK, row.mandate_id, dict(_facts_of(row))) for row in due],
                now=now,
            )
    return len(due)
