"""Opening, changing and closing venues."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues.rules import VENUE_LIFE
from datamarket.catalogue.venues.tables import Venue, VenueQualification
from datamarket.catalogue.venues.terms import VenueEvent, VenueKind, VenueTerms
from datamarket.evidence.actions import record
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.participants.terms import ParticipantKind


async def open_venue(
    session: AsyncSession,
    actor: Actor,
    *,
    code: str,
    kind: VenueKind,
    operator_id: UUID,
    terms: VenueTerms,
    now: datetime,
    categories: Sequence[Category] = (),
) -> Venue:
    """A venue that admits the categories it names, or all when it names none.

    Raises ParticipantNotAdmitted or ParticipantKindWrong for its operator.
    """
    await participants.lock_admitted_as(session, operator_id, ParticipantKind.VENUE_OPERATOR)
    venue = Venue(
        id=new_id(now),
        code=code,
        kind=kind,
        operator_id=operator_id,
        categories=list(categories),
        qualified_for_subsidy=terms.qualified_from is not None,
        created_at=now,
        **asdict(terms),
    )
    session.add(venue)
    await session.flush()
    known = _qualification(venue, now)
    session.add(known)
    told = ("venue", venue.id), venue, known
    await record(session, actor, "catalogue.open-venue", *told, now=now, code=code)
    return venue


async def edit_venue(
    session: AsyncSession, actor: Actor, venue: Venue, *, terms: VenueTerms, now: datetime
) -> Venue:
    """New terms hold for what is agreed from now on."""
    for name, value in asdict(terms).items():
        setattr(venue, name, value)
    venue.qualified_for_subsidy = terms.qualified_from is not None
    venue.version += 1
    known = _qualification(venue, now)
    session.add(known)
    days = {"qualified_from": terms.qualified_from, "qualified_to": terms.qualified_to}
    facts = asdict(terms) | {name: day and day.isoformat() for name, day in days.items()}
    told = ("venue", venue.id), venue, known
    await record(session, actor, "catalogue.edit-venue", *told, now=now, **facts)
    return venue


def _qualification(venue: Venue, now: datetime) -> VenueQualification:
    return VenueQualification(
        venue_id=venue.id,
        version=venue.version,
        qualified_from=venue.qualified_from,
        qualified_to=venue.qualified_to,
        recorded_at=now,
    )


async def move_venue(
    session: AsyncSession,
    actor: Actor,
    venue: Venue,
    event: VenueEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> Venue:
    """Close or reopen; what is published stays, and nothing more is published on a closed venue."""
    venue.state = VENUE_LIFE.after(venue.state, event)
    venue.version += 1
    await record(
        session, actor, f"catalogue.{event}-venue", ("venue", venue.id), venue, now=now, reason=reason
    )
    return venue
