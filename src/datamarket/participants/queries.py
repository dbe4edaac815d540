"""Reading participants and the states they held; whether one may act now."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, asked, get_row, keyset, lock_row, there
from datamarket.participants import rules
from datamarket.participants.tables import Participant, ParticipantStanding
from datamarket.participants.terms import ParticipantKind, ParticipantState

_from_at, _to_at = col(ParticipantStanding.from_at), col(ParticipantStanding.to_at)
_SUSPENDED = select(ParticipantStanding.participant_id).where(
    ParticipantStanding.state == ParticipantState.SUSPENDED
)


async def get_participant(session: AsyncSession, participant_id: UUID) -> Participant:
    """Raises NotFound."""
    return await get_row(session, Participant, participant_id, "participant")


async def lock_participant(session: AsyncSession, participant_id: UUID) -> Participant:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, Participant, participant_id, "participant", key_share=True)


async def find_by_uscc(session: AsyncSession, uscc: str) -> Participant | None:
    return (await session.exec(select(Participant).where(Participant.uscc == uscc))).first()


async def participants_by_ids(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Participant]:
    """Those that exist, each once."""
    found = await session.exec(select(Participant).where(col(Participant.id).in_(set(ids))))
    return {participant.id: participant for participant in found}


async def lock_admitted(session: AsyncSession, *ids: UUID) -> None:
    """Each may act in the market until the transaction ends: a suspension waits for it, or is seen by it.

    Raises NotFound or ParticipantNotAdmitted, for the first that may not.
    """
    statement = select(Participant).where(col(Participant.id).in_(ids)).order_by(col(Participant.id))
    held = statement.with_for_update(read=True).execution_options(populate_existing=True)
    found = {participant.id: participant for participant in await session.exec(held)}
    for participant_id in ids:
        participant = there(found.get(participant_id), "participant")
        if participant.state != ParticipantState.ADMITTED:
            raise rules.ParticipantNotAdmitted(
                name_zh=participant.name_zh,
                name_en=participant.name_en,
                state=ParticipantState(participant.state),
            )


async def lock_admitted_as(session: AsyncSession, participant_id: UUID, kind: ParticipantKind) -> None:
    """Admitted, and of this kind. Raises NotFound, ParticipantNotAdmitted or ParticipantKindWrong."""
    await lock_admitted(session, participant_id)
    participant = await get_participant(session, participant_id)
    if participant.kind != kind:
        raise rules.ParticipantKindWrong(
            name_zh=participant.name_zh,
            name_en=participant.name_en,
            kind=ParticipantKind(participant.kind),
            needed=kind,
        )


async def list_participants(
    session: AsyncSession,
    *,
    kind: ParticipantKind | None = None,
    state: ParticipantState | None = None,
    name: str | None = None,
    page: PageAsked[UUID],
) -> Sequence[Participant]:
    """In the order they were registered; `name` is any part of either name."""
    statement = select(Participant).where(*asked((Participant.kind, kind), (Participant.state, state)))
    if name is not None:
        statement = statement.where(
            or_(
                col(Participant.name_zh).icontains(name, autoescape=True),
                col(Participant.name_en).icontains(name, autoescape=True),
            )
        )
    return (await session.exec(keyset(statement, col(Participant.id), page))).all()


async def list_standings(
    session: AsyncSession, participant_id: UUID, *, page: PageAsked[int]
) -> Sequence[ParticipantStanding]:
    """Every state that was held, oldest first; `after` is the ordinal of the last of the page before."""
    statement = select(ParticipantStanding).where(ParticipantStanding.participant_id == participant_id)
    return (await session.exec(keyset(statement, col(ParticipantStanding.ordinal), page))).all()


async def open_standing(session: AsyncSession, participant_id: UUID) -> ParticipantStanding:
    """The state that is held now."""
    statement = select(ParticipantStanding).where(
        ParticipantStanding.participant_id == participant_id, col(ParticipantStanding.to_at).is_(None)
    )
    return (await session.exec(statement)).one()


async def lock_unfit(
    session: AsyncSession, ids: Collection[UUID], at: datetime
) -> dict[UUID, ParticipantStanding]:
    """Of these, who is suspended or has withdrawn at this instant; what would change it waits until the transaction ends."""
    held = select(Participant.id).where(col(Participant.id).in_(ids)).order_by(col(Participant.id))
    await session.exec(held.with_for_update(read=True))
    unfit = col(ParticipantStanding.state).in_([ParticipantState.SUSPENDED, ParticipantState.WITHDRAWN])
    statement = select(ParticipantStanding).where(col(ParticipantStanding.participant_id).in_(ids), unfit)
    rows = await session.exec(statement.where(_from_at <= at, or_(_to_at.is_(None), _to_at > at)))
    return {row.participant_id: row for row in rows}


async def suspended_at(session: AsyncSession, at: datetime) -> set[UUID]:
    """Who was suspended at this instant."""
    return set(await session.exec(_SUSPENDED.where(_from_at <= at, or_(_to_at.is_(None), _to_at > at))))
