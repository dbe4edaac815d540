"""Rows of control between participants."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import instant
from datamarket.participants.affiliations.rules import SelfControl
from datamarket.participants.rules import ParticipantUnknown, PeriodEmpty


class Affiliation(SQLModel, table=True):
    """`controller` controls `controlled` from a day until, not including, another; `ended_at` is when that end was recorded."""

    __tablename__ = "affiliation"
    __table_args__ = (
        CheckConstraint("controller_id <> controlled_id", name="affiliation_no_self_control"),
        CheckConstraint("to_on > from_on", name="affiliation_term_check"),
        CheckConstraint("(ended_at IS NULL) = (to_on IS NULL)", name="affiliation_ended_check"),
        Index("affiliation_controller_idx", "controller_id", "from_on"),
        Index("affiliation_controlled_idx", "controlled_id", "from_on"),
    )
    id: UUID = Field(primary_key=True)
    controller_id: UUID = Field(foreign_key="participant.id")
    controlled_id: UUID = Field(foreign_key="participant.id")
    from_on: date
    to_on: date | None = None
    version: int = 1
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {
    "affiliation_no_self_control": SelfControl,
    "affiliation_term_check": PeriodEmpty,
    "affiliation_controller_id_fkey": ParticipantUnknown,
    "affiliation_controlled_id_fkey": ParticipantUnknown,
}
