"""Rows of qualifications."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import instant, one_of
from datamarket.participants.qualifications.terms import QualificationKind
from datamarket.participants.rules import ParticipantUnknown, PeriodEmpty


class Qualification(SQLModel, table=True):
    """A certificate: `holder` is the person it names, `granted_by` the body that certified.

    It counts by its days; `expired_at` is when the clock told that it was over.
    """

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint("until_on > granted_on", name="qualification_term_check"),
        CheckConstraint(
            "(kind = 'chief_data_officer') = (holder IS NOT NULL)", name="qualification_holder_check"
        ),
        one_of("kind", QualificationKind, "qualification"),
        Index("qualification_participant_idx", "participant_id", "kind"),
        Index("qualification_until_idx", "until_on", postgresql_where=text("expired_at IS NULL")),
    )
    id: UUID = Field(primary_key=True)
    participant_id: UUID = Field(foreign_key="participant.id")
    kind: str
    holder: str | None = None
    granted_by: str
    granted_on: date
    until_on: date | None = None
    created_at: datetime = instant()
    expired_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {
    "qualification_term_check": PeriodEmpty,
    "qualification_participant_id_fkey": ParticipantUnknown,
}
