"""Registering participants, moving them through admission, affiliations, qualifications."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.errors import Conflict, NotFound
from datamarket.foundation.ids import new_id
from datamarket.foundation.states import next_state
from datamarket.participants import queries, rules
from datamarket.participants.tables import Affiliation, Participant, ParticipantStanding, Qualification
from datamarket.participants.terms import (
    IncomeClass,
    ParticipantEvent,
    ParticipantKind,
    ParticipantState,
    QualificationKind,
)


class NameFixed(Conflict):
    code = "participant.name-fixed"
    zh = "仅“待准入”状态可以修改名称，当前为“{state}”。"
    en = "A name changes only while the participant has state 'applied'; it is '{state}'."


class PairAffiliated(Conflict):
    code = "affiliation.overlap"
    zh = "该控制关系在所填期间内已有记录。"
    en = "This control is recorded already for some day of the period."


class ControlCircle(Conflict):
    code = "affiliation.circle"
    zh = "该控制关系会在某日形成循环控制。"
    en = "On some day control would run in a circle."


class AffiliationEnded(Conflict):
    code = "affiliation.ended"
    zh = "该控制关系已于 {to_on} 终止（不含当日）。"
    en = "This control has ended already; its first day without control is {to_on}."


class QualificationOverlaps(Conflict):
    code = "qualification.overlap"
    zh = "同一资质在所填期间内已有记录。"
    en = "The same qualification is recorded already for some day of the period."


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
    session.add(_standing(participant, None, now))
    record(
        session,
        actor,
        "participants.register",
        ("participant", participant.id),
        now=now,
        uscc=uscc,
        kind=kind,
    )
    await session.flush()
    return participant


async def rename_participant(
    session: AsyncSession, actor: Actor, participant_id: UUID, *, name_zh: str, name_en: str, now: datetime
) -> Participant:
    """Only before admission. Raises NameFixed."""
    participant = await queries.lock_participant(session, participant_id)
    if participant.state != ParticipantState.APPLIED:
        raise NameFixed(state=participant.state)
    record(
        session,
        actor,
        "participants.rename",
        ("participant", participant.id),
        now=now,
        before=participant.name_zh,
        after=name_zh,
    )
    participant.name_zh, participant.name_en = name_zh, name_en
    participant.version += 1
    await session.flush()
    return participant


async def move_participant(
    session: AsyncSession,
    actor: Actor,
    participant_id: UUID,
    event: ParticipantEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> Participant:
    """One step of the admission; the state that ends and the one that begins are kept.

    Raises TransitionNotAllowed and ReasonMissing.
    """
    participant = await queries.lock_participant(session, participant_id)
    state = next_state(rules.ADMISSION, ParticipantState(participant.state), event)
    rules.check_reason(event, reason)
    ending = await queries.open_standing(session, participant_id)
    at = max(now, ending.from_at)  # clocks of two machines differ a little; the history never runs backwards
    ending.to_at = at
    await session.flush()
    participant.state = state
    participant.version += 1
    session.add(_standing(participant, reason, at))
    record(session, actor, f"participants.{event}", ("participant", participant.id), now=now, reason=reason)
    await session.flush()
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
    """Record that one controls another. Raises TermEmpty, SelfControl, PairAffiliated, ControlCircle."""
    rules.check_term(from_on, to_on)
    if controller_id == controlled_id:
        raise rules.SelfControl
    await queries.lock_affiliations(session)
    for known in await queries.affiliations_of_pair(session, controller_id, controlled_id):
        if rules.overlap((known.from_on, known.to_on), (from_on, to_on)):
            raise PairAffiliated
    if await queries.controls_within(session, controlled_id, controller_id, from_on=from_on, to_on=to_on):
        raise ControlCircle
    affiliation = Affiliation(
        id=new_id(now),
        controller_id=controller_id,
        controlled_id=controlled_id,
        from_on=from_on,
        to_on=to_on,
        created_at=now,
    )
    session.add(affiliation)
    record(
        session,
        actor,
        "participants.affiliate",
        ("participant", controlled_id),
        now=now,
        controller=str(controller_id),
        from_on=from_on.isoformat(),
        to_on=to_on.isoformat() if to_on else None,
    )
    await session.flush()
    return affiliation


async def end_affiliation(
    session: AsyncSession,
    actor: Actor,
    participant_id: UUID,
    affiliation_id: UUID,
    *,
    on: date,
    now: datetime,
) -> Affiliation:
    """`on` is the first day without control. Raises AffiliationEnded when an end is recorded, TermEmpty."""
    affiliation = await session.get(Affiliation, affiliation_id, with_for_update=True, populate_existing=True)
    if affiliation is None or participant_id not in {affiliation.controller_id, affiliation.controlled_id}:
        raise NotFound(thing="affiliation")
    if affiliation.to_on is not None:
        raise AffiliationEnded(to_on=affiliation.to_on)
    rules.check_term(affiliation.from_on, on)
    affiliation.to_on = on
    affiliation.version += 1
    record(
        session,
        actor,
        "participants.end-affiliation",
        ("participant", affiliation.controlled_id),
        now=now,
        controller=str(affiliation.controller_id),
        on=on.isoformat(),
    )
    await session.flush()
    return affiliation


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

    Raises TermEmpty, HolderMismatch, ParticipantNotAdmitted and QualificationOverlaps.
    """
    rules.check_term(granted_on, until_on)
    rules.check_holder(kind, holder)
    await queries.lock_participant(session, participant_id)
    await queries.check_admitted(session, participant_id)
    for known in await queries.qualifications_alike(session, participant_id, kind, holder):
        if rules.overlap((known.granted_on, known.until_on), (granted_on, until_on)):
            raise QualificationOverlaps
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
    record(session, actor, "participants.qualify", ("participant", participant_id), now=now, kind=kind)
    await session.flush()
    return qualification
