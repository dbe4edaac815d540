"""Schemes, cases, runs and what each run was calculated from. Snapshots, lines and events are append-only."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, NotFound, Refused
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, Text, instant, one_of, quoted
from datamarket.subsidy.lifecycle import DECIDED, ENDED, DutiesNotSeparate, RunEvent, RunState, SchemeState
from datamarket.subsidy.terms import LineStatus


class CaseCodeTaken(Conflict):
    code = "subsidy.case-code-taken"
    zh = "该项目编号已登记：同一项目只能申报一次。"
    en = "A project of this code is registered already: a project is claimed once."


class EnterpriseUnknown(NotFound):
    code = "subsidy.enterprise-unknown"
    zh = "所引用的企业不存在。"
    en = "The enterprise referred to is not there."


class DraftOpen(Conflict):
    code = "subsidy.draft-open"
    zh = "该方案已有未批准的草稿版本，请先批准或停用。"
    en = "This scheme has an open draft; approve or retire it first."


class VersionTaken(Conflict):
    code = "subsidy.version-taken"
    zh = "同一方案的版本号或文件内容已存在。"
    en = "This version number, or a file of the same content, exists already."


class OwnScheme(Refused):
    code = "subsidy.own-scheme"
    zh = "方案版本须由起草人以外的账户批准。"
    en = "A scheme version is approved by someone other than its author."


class RunCalculatedAlready(Conflict):
    code = "subsidy.run-calculated-already"
    zh = "同一方案版本、同一快照、同一计算程序的结果已存在，不重复计算。"
    en = "A run of the same scheme version, snapshot and engine exists; it is not calculated twice."


class RunDecidedAlready(Conflict):
    code = "subsidy.run-decided-already"
    zh = "该方案该年度已有批准的结果。"
    en = "A run of this scheme and year is approved already."


class BudgetShort(Refused):
    code = "subsidy.budget-short"
    zh = "奖补合计超过该年度剩余预算。"
    en = "The awards exceed what is left of the year's budget."


class ClaimedAlready(Conflict):
    code = "subsidy.claimed-already"
    zh = "同一企业的同一项目（或同一年度同一条款）已获资助，不重复记账。"
    en = (
        "This project, or this year of this clause, is funded already for the enterprise; nothing was posted."
    )


class LinePostedAlready(Conflict):
    code = "subsidy.line-posted-already"
    zh = "该明细已记账，不重复记账。"
    en = "This line is posted already; it is never posted twice."


class RunFrozen(Conflict):
    code = "subsidy.run-frozen"
    zh = "运行的快照、结果和经办人一经写入不再改变。"
    en = "A run's snapshot, result and officers never change once they are set."


class SchemeRow(SQLModel, table=True):
    __tablename__ = "scheme"
    id: str = Field(primary_key=True)
    title_zh: str
    title_en: str
    created_at: datetime = instant()


class SchemeVersion(SQLModel, table=True):
    """A scheme file byte for byte; without an author when it came with the product."""

    __tablename__ = "scheme_version"
    __table_args__ = (
        UniqueConstraint("scheme_id", "n", name="scheme_version_n_key"),
        UniqueConstraint("scheme_id", "sha256", name="scheme_version_sha256_key"),
        CheckConstraint("approved_by <> authored_by", name="scheme_version_other_approves"),
        CheckConstraint(
            "state <> 'approved' OR approved_by IS NOT NULL", name="scheme_version_approved_check"
        ),
        one_of("state", SchemeState, "scheme_version"),
        Index("scheme_version_one_draft", "scheme_id", unique=True, postgresql_where=text("state = 'draft'")),
        Index(
            "scheme_version_one_approved",
            "scheme_id",
            unique=True,
            postgresql_where=text("state = 'approved'"),
        ),
    )
    id: UUID = Field(primary_key=True)
    scheme_id: str = Field(foreign_key="scheme.id")
    n: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    state: str
    authored_by: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1


class SubsidyCase(SQLModel, table=True):
    """A "Data Elements ×" case; its investment counts once it is verified, and by whom is kept."""

    __tablename__ = "subsidy_case"
    __table_args__ = (
        UniqueConstraint("code", name="subsidy_case_code_key"),
        CheckConstraint("investment_fen >= 0", name="subsidy_case_investment_check"),
        CheckConstraint(
            "verified_by IS NULL OR investment_fen IS NOT NULL", name="subsidy_case_verified_check"
        ),
        Index("subsidy_case_enterprise_idx", "enterprise_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    enterprise_id: UUID = Field(foreign_key="participant.id")
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    investment_fen: int | None = Field(default=None, sa_type=BigInteger)
    verified_by: UUID | None = None
    verified_at: datetime | None = instant(nullable=True)
    claimed_elsewhere: str | None = None
    created_at: datetime = instant()
    version: int = 1


class FactVersion(SQLModel, table=True):
    """The SQL of a fact as it was used; another text needs another version."""

    __tablename__ = "subsidy_fact_version"
    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sha256: str
    statement: str
    created_at: datetime = instant()


class SubsidySnapshot(SQLModel, table=True):
    """All candidates of a year as they were known, in canonical JSON; equal facts are one row.

    `venues` and `related` are the qualifications and relations that counted, so that the base can be
    recomputed when they have changed since; `parties` names each enterprise as it was called then.
    """

    __tablename__ = "subsidy_snapshot"
    __table_args__ = (UniqueConstraint("ledger_id", "year", "sha256", name="subsidy_snapshot_sha256_key"),)
    id: UUID = Field(primary_key=True)
    ledger_id: int
    year: int
    cutoff: datetime = instant()
    as_of_recorded: datetime = instant()
    watermark: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    counts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    parties: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    venues: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    related: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    rings: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))


class SubsidyRun(SQLModel, table=True):
    __tablename__ = "subsidy_run"
    __table_args__ = (
        one_of("state", RunState, "subsidy_run"),
        CheckConstraint(
            "reviewed_by <> calculated_by AND approved_by <> calculated_by AND approved_by <> reviewed_by",
            name="subsidy_run_duties_separate",
        ),
        CheckConstraint(
            "state IN ('draft', 'snapshotted', 'cancelled', 'superseded')"
            " OR (snapshot_id IS NOT NULL AND result_sha256 IS NOT NULL AND calculated_by IS NOT NULL)",
            name="subsidy_run_calculated_check",
        ),
        CheckConstraint(
            f"state NOT IN ({quoted(DECIDED)})"
            " OR (reviewed_by IS NOT NULL AND approved_by IS NOT NULL AND publicity_to IS NOT NULL)",
            name="subsidy_run_approved_check",
        ),
        Index(
            "subsidy_run_inputs_key",
            "scheme_version_id",
            "snapshot_id",
            "engine_id",
            unique=True,
            postgresql_where=text(f"state NOT IN ({quoted(ENDED)})"),
        ),
        Index(
            "subsidy_run_decided_key",
            "ledger_id",
            "scheme_id",
            "year",
            unique=True,
            postgresql_where=text(f"state IN ({quoted(DECIDED)})"),
        ),
        Index("subsidy_run_year_idx", "year", "id"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    scheme_id: str = Field(foreign_key="scheme.id")
    scheme_version_id: UUID = Field(foreign_key="scheme_version.id")
    year: int
    cutoff: datetime = instant()
    state: str = RunState.DRAFT
    snapshot_id: UUID | None = Field(default=None, foreign_key="subsidy_snapshot.id")
    engine_id: str | None = None
    result_sha256: str | None = None
    total_fen: int | None = Field(default=None, sa_type=BigInteger)
    created_by: UUID
    calculated_by: UUID | None = None
    reviewed_by: UUID | None = None
    approved_by: UUID | None = None
    publicity_from: date | None = None
    publicity_to: date | None = None
    supersedes_id: UUID | None = Field(default=None, foreign_key="subsidy_run.id")
    created_at: datetime = instant()
    version: int = 1


class SubsidyRunEvent(SQLModel, table=True):
    """What happened to a run; `n` is the version that it led to."""

    __tablename__ = "subsidy_run_event"
    __table_args__ = (one_of("event", RunEvent, "subsidy_run_event"),)
    run_id: UUID = Field(primary_key=True, foreign_key="subsidy_run.id")
    n: int = Field(primary_key=True)
    event: str
    from_state: str
    to_state: str
    actor_id: UUID
    reason: str | None = None
    at: datetime = instant()


class SubsidyLine(SQLModel, table=True):
    """What a clause decided about a candidate, as the evaluator gave it; `position` is its order."""

    __tablename__ = "subsidy_line"
    __table_args__ = (
        UniqueConstraint("run_id", "clause_id", "candidate_id", name="subsidy_line_candidate_key"),
        UniqueConstraint("run_id", "position", name="subsidy_line_position_key"),
        CheckConstraint("amount_fen >= 0", name="subsidy_line_amount_check"),
        one_of("status", LineStatus, "subsidy_line"),
        Index("subsidy_line_enterprise_idx", "enterprise_id", "id"),
        Index("subsidy_line_flagged_idx", "run_id", "position", postgresql_where=text("flags <> '{}'")),
    )
    id: UUID = Field(primary_key=True)
    run_id: UUID = Field(foreign_key="subsidy_run.id")
    position: int
    clause_id: str
    candidate_id: str
    enterprise_id: UUID = Field(foreign_key="participant.id")
    uscc: str
    name: str
    enterprise_zh: str
    enterprise_en: str
    status: str
    base_fact: str
    base_fen: int | None = Field(default=None, sa_type=BigInteger)
    rank: int | None = None
    rate: str | None = None
    cap_fen: int | None = Field(default=None, sa_type=BigInteger)
    cap_bound: bool
    amount_fen: int = Field(sa_type=BigInteger)
    flags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    steps: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))


class SubsidyPosting(SQLModel, table=True):
    """That a line is payable, that it is paid: once each."""

    __tablename__ = "subsidy_posting"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="subsidy_posting_amount_check"),)
    line_id: UUID = Field(primary_key=True, foreign_key="subsidy_line.id")
    kind: str = Field(primary_key=True)
    entry_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)
    posted_at: datetime = instant()


class SubsidyClaim(SQLModel, table=True):
    """What an enterprise got money for, here or elsewhere, in whatever year: once."""

    __tablename__ = "subsidy_claim"
    enterprise_id: UUID = Field(primary_key=True, foreign_key="participant.id")
    subject: str = Field(primary_key=True)
    policy: str
    line_id: UUID | None = Field(default=None, foreign_key="subsidy_line.id")
    claimed_at: datetime = instant()


class SubsidyBudget(SQLModel, table=True):
    """The pool of a scheme's year; a scheme without a row has no ceiling here."""

    __tablename__ = "subsidy_budget"
    __table_args__ = (
        UniqueConstraint("scheme_id", "year", name="subsidy_budget_year_key"),
        CheckConstraint("committed_fen >= 0 AND committed_fen <= amount_fen", name="subsidy_budget_kept"),
    )
    id: UUID = Field(primary_key=True)
    scheme_id: str = Field(foreign_key="scheme.id")
    year: int
    amount_fen: int = Field(sa_type=BigInteger)
    committed_fen: int = Field(default=0, sa_type=BigInteger)
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_case_code_key": CaseCodeTaken,
    "subsidy_case_enterprise_id_fkey": EnterpriseUnknown,
    "scheme_version_one_draft": DraftOpen,
    "scheme_version_n_key": VersionTaken,
    "scheme_version_sha256_key": VersionTaken,
    "scheme_version_other_approves": OwnScheme,
    "subsidy_run_inputs_key": RunCalculatedAlready,
    "subsidy_run_decided_key": RunDecidedAlready,
    "subsidy_run_duties_separate": DutiesNotSeparate,
    "subsidy_run_frozen": RunFrozen,
    "subsidy_budget_kept": BudgetShort,
    "subsidy_claim_pkey": ClaimedAlready,
    "subsidy_posting_pkey": LinePostedAlready,
}
