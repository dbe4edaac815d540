"""Rows of participants, and of the states they held."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import instant, one_of
from datamarket.participants.terms import IncomeClass, ParticipantKind, ParticipantState


class UsccTaken(Conflict):
    code = "participant.uscc-taken"
    zh = "该统一社会信用代码已登记。"
    en = "A participant with this unified social credit code is registered already."


class Participant(SQLModel, table=True):
    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("uscc", name="participant_uscc_key"),
        CheckConstraint("uscc ~ '^[0-9A-HJ-NP-RTUW-Y]{18}$'", name="participant_uscc_check"),
        CheckConstraint("division ~ '^[0-9]{6}$'", name="participant_division_check"),
        one_of("kind", ParticipantKind, "participant"),
        one_of("income_class", IncomeClass, "participant"),
        one_of("state", ParticipantState, "participant"),
        Index("participant_kind_idx", "kind", "id"),
        Index("participant_state_idx", "state", "id"),
    )
    id: UUID = Field(primary_key=True)
    uscc: str
    name_zh: str
    name_en: str
    kind: str
    income_class: str
    division: str
    industry: str
    state: str = ParticipantState.APPLIED
    version: int = 1
    created_at: datetime = instant()


class ParticipantStanding(SQLModel, table=True):
    """One state that a participant held from an instant until another, or still holds.

    `ordinal` is the participant's version at its beginning: it orders what shares an instant.
    """

    __tablename__ = "participant_standing"
    __table_args__ = (
        CheckConstraint("to_at >= from_at", name="participant_standing_term_check"),
        CheckConstraint(
            "state NOT IN ('suspended', 'withdrawn') OR reason IS NOT NULL",
            name="participant_standing_reason_check",
        ),
        one_of("state", ParticipantState, "participant_standing"),
        Index(
            "participant_standing_open_key",
            "participant_id",
            unique=True,
            postgresql_where=text("to_at IS NULL"),
        ),
        UniqueConstraint("participant_id", "ordinal", name="participant_standing_ordinal_key"),
        Index("participant_standing_state_idx", "state", "from_at"),
    )
    id: UUID = Field(primary_key=True)
    participant_id: UUID = Field(foreign_key="participant.id")
    ordinal: int
    state: str
    reason: str | None = None
    from_at: datetime = instant()
    to_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {
    "participant_uscc_key": UsccTaken,
}
