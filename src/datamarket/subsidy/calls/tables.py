"""Rows of calls and applications, and of what these declare."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of, quoted
from datamarket.subsidy.calls import rules
from datamarket.subsidy.calls.terms import ApplicationState, DeclaredKind

WAITING = (ApplicationState.SUBMITTED, ApplicationState.DISTRICT_PASSED)


class SubsidyCall(SQLModel, table=True):
    """When applications are taken, both days included, and which papers are asked for, by name."""

    __tablename__ = "subsidy_call"
    __table_args__ = (
        UniqueConstraint("scheme_version_id", "year", name="subsidy_call_year_key"),
        CheckConstraint("opens_on <= closes_on", name="subsidy_call_window_check"),
    )
    id: UUID = Field(primary_key=True)
    scheme_id: str = Field(foreign_key="scheme.id")
    scheme_version_id: UUID = Field(foreign_key="scheme_version.id")
    year: int
    opens_on: date
    closes_on: date
    papers: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    district_step: bool
    account_id: UUID
    created_at: datetime = instant()


class SubsidyApplication(SQLModel, table=True):
    """For a case, or the confirmation of a line that a run would award; `papers` are ids by the name asked for.

    Of what it declared, the items of the newest `submission` stand.
    """

    __tablename__ = "subsidy_application"
    __table_args__ = (
        one_of("state", ApplicationState, "subsidy_application"),
        CheckConstraint(
            "num_nonnulls(case_id, line_id) = 1 AND (line_id IS NULL) = (clause_id IS NULL)",
            name="subsidy_application_subject_check",
        ),
        CheckConstraint("decided_by <> passed_by", name="subsidy_application_hands_separate"),
        Index(
            "subsidy_application_case_key",
            "call_id",
            "case_id",
            unique=True,
            postgresql_where=text(f"state NOT IN ({quoted(rules.OVER)})"),
        ),
        UniqueConstraint("call_id", "enterprise_id", "clause_id", name="subsidy_application_proposed_key"),
        Index("subsidy_application_enterprise_idx", "enterprise_id", "id"),
        Index(
            "subsidy_application_waiting_idx",
            "submitted_at",
            postgresql_where=text(f"state IN ({quoted(WAITING)})"),
        ),
    )
    id: UUID = Field(primary_key=True)
    call_id: UUID = Field(foreign_key="subsidy_call.id")
    enterprise_id: UUID = Field(foreign_key="participant.id")
    case_id: UUID | None = Field(default=None, foreign_key="subsidy_case.id")
    clause_id: str | None = None
    line_id: UUID | None = Field(default=None, foreign_key="subsidy_line.id")
    state: str = ApplicationState.DRAFT
    papers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    reason: str | None = None
    submitted_at: datetime | None = instant(nullable=True)
    passed_by: UUID | None = None
    decided_by: UUID | None = None
    account_id: UUID
    created_at: datetime = instant()
    version: int = 1
    declared_fen: int | None = Field(default=None, sa_type=BigInteger)
    submission: int = 0


class DeclaredItem(SQLModel, table=True):
    """An invoice or project contract that an application claims; `key` is its number however written, `paper_id` shows it."""

    __tablename__ = "subsidy_declared_item"
    __table_args__ = (
        UniqueConstraint("application_id", "submission", "kind", "key", name="subsidy_declared_item_key"),
        one_of("kind", DeclaredKind, "subsidy_declared_item"),
        CheckConstraint("amount_fen > 0", name="subsidy_declared_item_amount_check"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="subsidy_application.id")
    submission: int
    kind: str
    number: str
    invoice_code: str | None = None
    seller_uscc: str
    key: str
    amount_fen: int = Field(sa_type=BigInteger)
    issued_on: date
    purpose: str
    paper_id: UUID = Field(foreign_key="subsidy_paper.id")
    contract_id: UUID | None = Field(default=None, foreign_key="contract.id")
    deliveries: int | None = Field(default=None, sa_type=BigInteger)
    declared_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_call_year_key": rules.CallOpenAlready,
    "subsidy_call_window_check": rules.WindowEmpty,
    "subsidy_application_case_key": rules.AppliedAlready,
    "subsidy_application_hands_separate": rules.DecidedTwice,
}
