"""Rows of objections and appeals."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Uuid, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import ARRAY, instant, one_of, quoted
from datamarket.subsidy.objections import rules
from datamarket.subsidy.objections.terms import ObjectionState

_STANDS = f"state <> '{ObjectionState.WITHDRAWN}'"


class SubsidyObjection(SQLModel, table=True):
    """Of an enterprise against a line, or its absence (no line); an appeal names what was rejected. `barred` may not decide it."""

    __tablename__ = "subsidy_objection"
    __table_args__ = (
        one_of("state", ObjectionState, "subsidy_objection"),
        CheckConstraint("decided_by <> ALL (barred)", name="subsidy_objection_duties_separate"),
        CheckConstraint(
            "(state IN ('upheld', 'rejected')) = (decided_by IS NOT NULL)"
            " AND num_nonnulls(decided_by, decided_at) <> 1 AND (state <> 'answered' OR answer IS NOT NULL)",
            name="subsidy_objection_decided_check",
        ),
        CheckConstraint(
            "(appeal_by IS NOT NULL) = (state = 'rejected' AND appeal_of_id IS NULL)",
            name="subsidy_objection_appeal_check",
        ),
        Index(
            "subsidy_objection_line_key",
            "run_id",
            "enterprise_id",
            "line_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text(f"appeal_of_id IS NULL AND {_STANDS}"),
        ),
        Index("subsidy_objection_appeal_key", "appeal_of_id", unique=True, postgresql_where=text(_STANDS)),
        Index("subsidy_objection_run_idx", "run_id", "id"),
        Index("subsidy_objection_enterprise_idx", "enterprise_id", "id"),
        Index(
            "subsidy_objection_open_idx",
            "decide_by",
            postgresql_where=text(f"state IN ({quoted(rules.OPEN)})"),
        ),
    )
    id: UUID = Field(primary_key=True)
    run_id: UUID = Field(foreign_key="subsidy_run.id")
    enterprise_id: UUID = Field(foreign_key="participant.id")
    line_id: UUID | None = Field(default=None, foreign_key="subsidy_line.id")
    appeal_of_id: UUID | None = Field(default=None, foreign_key="subsidy_objection.id")
    state: str = ObjectionState.FILED
    grounds: str
    papers: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    decide_by: date
    barred: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    filed_by: UUID
    filed_at: datetime = instant()
    answer: str | None = None
    answered_by: UUID | None = None
    answered_at: datetime | None = instant(nullable=True)
    decision: str | None = None
    decided_by: UUID | None = None
    decided_at: datetime | None = instant(nullable=True)
    appeal_by: date | None = None
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_objection_line_key": rules.ObjectedAlready,
    "subsidy_objection_appeal_key": rules.AppealedAlready,
    "subsidy_objection_duties_separate": rules.ObjectionDutiesNotSeparate,
}
