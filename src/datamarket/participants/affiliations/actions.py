"""Recording who controls whom, and the end of it."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.ids import new_id
from datamarket.participants import rules as participants_rules
from datamarket.participants.affiliations import queries, rules
from datamarket.participants.affiliations.tables import Affiliation


async def affiliate(
    session: AsyncSession,
    actor: Actor,
    *,
    controller_id: UUID,
    controlled_id: UUID,
    from_on: date,
    to_on: date | None = None,
    now: datetime,
) -> Affiliation:
    """Record that one controls another. Raises PeriodEmpty, SelfControl, PairAffiliated, ControlCircle."""
    participants_rules.check_term(from_on, to_on)
    if controller_id == controlled_id:
        raise rules.SelfControl
    await queries.lock_affiliations(session)
    for known in await queries.affiliations_of_pair(session, controller_id, controlled_id):
        if participants_rules.overlap((known.from_on, known.to_on), (from_on, to_on)):
            raise rules.PairAffiliated
    if await queries.controls_within(session, controlled_id, controller_id, from_on=from_on, to_on=to_on):
        raise rules.ControlCircle
    affiliation = Affiliation(
        id=new_id(now),
        controller_id=controller_id,
        controlled_id=controlled_id,
        from_on=from_on,
        to_on=to_on,
        created_at=now,
        ended_at=now if to_on else None,
    )
    session.add(affiliation)
    await record(
        session,
        actor,
        "participants.affiliate",
        ("participant", controlled_id),
        affiliation,
        now=now,
        controller=str(controller_id),
        from_on=from_on.isoformat(),
        to_on=to_on.isoformat() if to_on else None,
    )
    return affiliation


async def end_affiliation(
    session: AsyncSession, actor: Actor, affiliation: Affiliation, *, on: date, now: datetime
) -> Affiliation:
    """`on` is the first day without control. Raises AffiliationEnded when an end is recorded, PeriodEmpty."""
    if affiliation.to_on is not None:
        raise rules.AffiliationEnded(to_on=affiliation.to_on)
    participants_rules.check_term(affiliation.from_on, on)
    affiliation.to_on, affiliation.ended_at = on, now
    affiliation.version += 1
    await record(
        session,
        actor,
        "participants.end-affiliation",
        ("participant", affiliation.controlled_id),
        affiliation,
        now=now,
        controller=str(affiliation.controller_id),
        on=on.isoformat(),
    )
    return affiliation
