"""Recording certificates."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants_queries
from datamarket.participants import rules as participants_rules
from datamarket.participants.qualifications import queries, rules
from datamarket.participants.qualifications.tables import Qualification
from datamarket.participants.qualifications.terms import QualificationKind


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
