"""Organisations of a test's own, registered and admitted as the authority does it."""

from itertools import count
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participants_queries
from datamarket.participants import rules as participants_rules
from datamarket.participants.tables import Participant
from datamarket.participants.terms import IncomeClass, ParticipantEvent, ParticipantKind
from tests.world.people import AUTHORITY, actor, moment, unique

_serial = count(1)
_ROLES: dict[ParticipantKind, tuple[Role, ...]] = {
    ParticipantKind.ENTERPRISE: (Role.PROVIDER, Role.BUYER),
    ParticipantKind.ZONE_OPERATOR: (Role.OPERATOR,),
    ParticipantKind.THIRD_PARTY: (Role.REVIEWER,),
}


def unique_uscc(division: str = "370212") -> str:
    """A valid credit code that no other test uses."""
    serial = next(_serial)
    digits = ""
    for _ in range(7):
        serial, place = divmod(serial, len(participants_rules.USCC_ALPHABET))
        digits = participants_rules.USCC_ALPHABET[place] + digits
    body = f"91{division}QD{digits}"
    return body + participants_rules.check_digit(body)


async def applicant(
    session: AsyncSession,
    kind: ParticipantKind = ParticipantKind.ENTERPRISE,
    *,
    income_class: IncomeClass = IncomeClass.ENTERPRISE,
    division: str = "370212",
    name: str | None = None,
) -> Participant:
    """An organisation that has applied, and waits."""
    called = name or unique(kind)
    return await participant_actions.register_participant(
        session,
        AUTHORITY,
        uscc=unique_uscc(division),
        name_zh=f"模拟{called}",
        name_en=called,
        kind=kind,
        income_class=income_class,
        division=division,
        industry="6450",
        now=moment(),
    )


async def admitted(
    session: AsyncSession,
    kind: ParticipantKind = ParticipantKind.ENTERPRISE,
    *,
    income_class: IncomeClass = IncomeClass.ENTERPRISE,
    division: str = "370212",
    name: str | None = None,
) -> Participant:
    """An organisation that may act in the market."""
    applied = await applicant(session, kind, income_class=income_class, division=division, name=name)
    return await participant_actions.move_participant(
        session, AUTHORITY, applied, ParticipantEvent.ADMIT, now=moment()
    )


async def suspend(session: AsyncSession, participant_id: UUID) -> Participant:
    return await participant_actions.move_participant(
        session,
        AUTHORITY,
        await participants_queries.lock_participant(session, participant_id),
        ParticipantEvent.SUSPEND,
        reason="材料存疑，暂停核查",
        now=moment(),
    )


def acting_for(participant: Participant, *roles: Role) -> Actor:
    """An account of the organisation, by default with the roles that its kind has."""
    given = roles or _ROLES.get(ParticipantKind(participant.kind), (Role.PROVIDER,))
    return actor(*given, organisation=participant.id)
