"""Recording certificates, and telling when their days are over."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.evidence.actions import Event, record, record_many
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants_queries
from datamarket.participants import rules as participants_rules
from datamarket.participants.qualifications import queries, rules
from datamarket.participants.qualifications.tables import Qualification
from datamarket.participants.qualifications.terms import QualificationKind

LARGEST_BATCH = 200


async def grant_qualification(
    session: AsyncSession,
    actor: Actor,
    *,
    participant_id: UUID,
    kind: QualificationKind,
    granted_by: str,
    granted_on: date,
    until_on: date | None = None,
    holder: str | None = None,
    now: datetime,
) -> Qualification:
    """Record a certificate of an admitted participant.

    Raises PeriodEmpty, HolderMismatch, ParticipantNotAdmitted and QualificationOverlaps.
    """
    participants_rules.check_term(granted_on, until_on)
    rules.check_holder(kind, holder)
    await participants_queries.lock_participant(session, participant_id)
    await participants_queries.lock_admitted(session, participant_id)
    for known in await queries.qualifications_alike(session, participant_id, kind, holder):
        if participants_rules.overlap((known.granted_on, known.until_on), (granted_on, until_on)):
            raise rules.QualificationOverlaps
    qualification = Qualification(
        id=new_id(now),
        participant_id=participant_id,
        kind=kind,
        holder=holder,
        granted_by=granted_by,
        granted_on=granted_on,
        until_on=until_on,
        created_at=now,
    )
    session.add(qualification)
    await record(session, actor, "participants.qualify", ("participant", participant_id), now=now, kind=kind)
    return qualification


async def expire_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """Certificates of which the days are over, told once each, one batch; a figure counts by their days and needs none of it."""
    async with database.transaction() as session:
        due = await queries.lock_run_out(session, business_date(now), LARGEST_BATCH)
        for row in due:
            row.expired_at = now
        await session.flush()
        if due:
            events = [
                Event(CLOCK, row.participant_id, {"kind": row.kind, "holder": row.holder}) for row in due
            ]
            connection = await driver(session)
            await record_many(connection, "participants.expire-qualification", "participant", events, now=now)
    return len(due)
