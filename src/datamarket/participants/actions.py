"""Registering participants, and moving them through admission; each state held is kept."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.ids import new_id
from datamarket.participants import queries, rules
from datamarket.participants.tables import Participant, ParticipantStanding
from datamarket.participants.terms import (
    IncomeClass,
    ParticipantEvent,
    ParticipantKind,
    ParticipantState,
)
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause


async def register_participant(
    session: AsyncSession,
    actor: Actor,
    *,
    uscc: str,
    name_zh: str,
    name_en: str,
    kind: ParticipantKind,
    income_class: IncomeClass,
    division: str,
    industry: str,
    now: datetime,
) -> Participant:
    """An organisation applies. Raises what `rules.check_uscc` and its neighbours say, and UsccTaken."""
    rules.check_uscc(uscc)
    rules.check_division(division)
    rules.check_industry(industry)
    participant = Participant(
        id=new_id(now),
        uscc=uscc,
        name_zh=name_zh,
        name_en=name_en,
        kind=kind,
        income_class=income_class,
        division=division,
        industry=industry,
        created_at=now,
    )
    session.add(participant)
    await session.flush()
    standing = _standing(participant, None, now)
    session.add(standing)
    await record(
        session,
        actor,
        "participants.register",
        ("participant", participant.id),
        participant,
        standing,
        now=now,
        uscc=uscc,
        kind=kind,
    )
    return participant


async def rename_participant(
    session: AsyncSession,
    actor: Actor,
    participant: Participant,
    *,
    name_zh: str,
    name_en: str,
    now: datetime,
) -> Participant:
    """Only before admission. Raises NameFixed."""
    if participant.state != ParticipantState.APPLIED:
        raise rules.NameFixed(state=ParticipantState(participant.state))
    before, participant.name_zh, participant.name_en = participant.name_zh, name_zh, name_en
    participant.version += 1
    await record(
        session,
        actor,
        "participants.rename",
        ("participant", participant.id),
        participant,
        now=now,
        before=before,
        after=name_zh,
    )
    return participant


async def move_participant(
    session: AsyncSession,
    actor: Actor,
    participant: Participant,
    event: ParticipantEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> Participant:
    """One step of the admission; the state that ends and the one that begins are kept.

    What stands on an admission stops with it at once, and goes on when it is restored.

    Raises TransitionNotAllowed and ReasonMissing.
    """
    before, state = participant.state, rules.PARTICIPANT_LIFE.after(participant.state, event)
    rules.PARTICIPANT_LIFE.check_reason(event, reason)
    ending = await queries.open_standing(session, participant.id)
    at = max(now, ending.from_at)  # clocks of two machines differ a little; the history never runs backwards
    ending.to_at = at
    await session.flush()
    participant.state = state
    participant.version += 1
    beginning = _standing(participant, reason, at)
    session.add(beginning)
    await record(
        session,
        actor,
        f"participants.{event}",
        ("participant", participant.id),
        participant,
        ending,
        beginning,
        now=now,
        reason=reason,
    )
    if event is ParticipantEvent.RESTORE:
        await stoppages.lift(session, actor, participant.id, now=at)
    elif before == ParticipantState.ADMITTED:
        cause = StoppageCause(f"party_{state}")
        await stoppages.stop(session, actor, participant.id, cause, reason=reason, now=at)
    return participant


def _standing(participant: Participant, reason: str | None, at: datetime) -> ParticipantStanding:
    return ParticipantStanding(
        id=new_id(at),
        participant_id=participant.id,
        ordinal=participant.version,
        state=participant.state,
        reason=reason,
        from_at=at,
    )
