"""Rows of stops: one for each time that a link was ended by somebody's act."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import instant, one_of
from datamarket.stoppages.terms import StoppageCause


class Stoppage(SQLModel, table=True):
    """`told_at` is the act; contracts go on until `stops_at`, after days of wind-down; `lifted_at` is its reverse."""

    __tablename__ = "stoppage"
    __table_args__ = (
        CheckConstraint("stops_at >= told_at AND lifted_at >= told_at", name="stoppage_term_check"),
        one_of("cause", StoppageCause, "stoppage"),
        Index("stoppage_open_key", "target_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("stoppage_target_idx", "target_id", "told_at"),
    )
    id: UUID = Field(primary_key=True)
    target_id: UUID
    cause: str
    reason: str | None = None
    told_at: datetime = instant()
    stops_at: datetime = instant()
    lifted_at: datetime | None = instant(nullable=True)
