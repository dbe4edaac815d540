"""Rows of runs, of their events, lines, postings and held awards. Lines and events are append-only."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, Text, instant, one_of, quoted
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.runs.rules import DECIDED, ENDED, PUBLIC, Hands, RunDutiesNotSeparate
from datamarket.subsidy.runs.terms import AwardHoldCause, AwardHoldState, RunEvent, RunState
from datamarket.subsidy.terms import LineStatus


class RunCalculatedAlready(Conflict):
    code = "subsidy.run-calculated-already"
    zh = "同一方案版本、同一快照、同一计算程序的结果已存在，不重复计算。"
    en = "A run of the same scheme version, snapshot and engine exists; it is not calculated twice."


class RunDecidedAlready(Conflict):
    code = "subsidy.run-decided-already"
    zh = "该方案该年度已有公示或批准的结果，只能由取代它的运行接替。"
    en = "A run of this scheme and year is public or approved already; only a run that supersedes it takes its place."


class LinePostedAlready(Conflict):
    code = "subsidy.line-posted-already"
    zh = "该明细已记账，不重复记账。"
    en = "This line is posted already; it is never posted twice."


class AwardHeldAlready(Conflict):
    code = "subsidy.award-held-already"
    zh = "该项奖补已暂缓或已决定不予支付。"
    en = "This award is held or forgone already."


class RunFrozen(Conflict):
    code = "subsidy.run-frozen"
    zh = "运行的快照、结果和经办人一经写入不再改变。"
    en = "A run's snapshot, result and officers never change once they are set."


class SubsidyRun(SQLModel, table=True):
    __tablename__ = "subsidy_run"
    __table_args__ = (
        one_of("state", RunState, "subsidy_run"),
        one_of("turnover_from", TurnoverOrigin, "subsidy_run"),
        CheckConstraint(
            "reviewed_by <> calculated_by AND approved_by <> calculated_by AND approved_by <> reviewed_by",
            name="subsidy_run_duties_separate",
        ),
        CheckConstraint(
            "posted_by NOT IN (calculated_by, reviewed_by, approved_by)"
            " AND paid_by NOT IN (calculated_by, reviewed_by, approved_by)"
            " AND closed_by NOT IN (calculated_by, reviewed_by, approved_by)",
            name="subsidy_run_payer_separate",
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
            postgresql_where=text(f"state IN ({quoted(PUBLIC)})"),
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
    turnover_from: str | None = None
    engine_id: str | None = None
    result_sha256: str | None = None
    total_fen: int | None = Field(default=None, sa_type=BigInteger)
    actor_id: UUID
    calculated_by: UUID | None = None
    reviewed_by: UUID | None = None
    approved_by: UUID | None = None
    publicity_from: date | None = None
    publicity_to: date | None = None
    supersedes_id: UUID | None = Field(default=None, foreign_key="subsidy_run.id")
    created_at: datetime = instant()
    version: int = 1
    posted_by: UUID | None = None
    paid_by: UUID | None = None
    closed_by: UUID | None = None
    superseded_by_id: UUID | None = Field(default=None, foreign_key="subsidy_run.id")
    objection_id: UUID | None = None

    @property
    def hands(self) -> Hands:
        return Hands(self.calculated_by, self.reviewed_by, self.approved_by)


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
    """That a line is payable, that it is paid, or that it is not to be: once each."""

    __tablename__ = "subsidy_posting"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="subsidy_posting_amount_check"),)
    line_id: UUID = Field(primary_key=True, foreign_key="subsidy_line.id")
    kind: str = Field(primary_key=True)
    entry_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)
    posted_at: datetime = instant()


class AwardHold(SQLModel, table=True):
    """An award that waits: its payee or its case stood no more when the run came to `stage`, or the bank refused it.

    `reason` is that of a standing; a line is held once at a time, and never again once it is forgone.
    """

    __tablename__ = "subsidy_award_hold"
    __table_args__ = (
        one_of("cause", AwardHoldCause, "subsidy_award_hold"),
        one_of("stage", RunEvent, "subsidy_award_hold"),
        one_of("state", AwardHoldState, "subsidy_award_hold"),
        CheckConstraint(
            "(state = 'held') = (decided_by IS NULL) AND (state <> 'forgone' OR decision IS NOT NULL)",
            name="subsidy_award_hold_decided_check",
        ),
        Index(
            "subsidy_award_hold_open_key",
            "line_id",
            unique=True,
            postgresql_where=text("state <> 'released'"),
        ),
        Index("subsidy_award_hold_run_idx", "run_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    run_id: UUID = Field(foreign_key="subsidy_run.id")
    line_id: UUID = Field(foreign_key="subsidy_line.id")
    cause: str
    reason: str | None = None
    stage: str
    state: str = AwardHoldState.HELD
    held_at: datetime = instant()
    decided_by: UUID | None = None
    decided_at: datetime | None = instant(nullable=True)
    decision: str | None = None
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_run_inputs_key": RunCalculatedAlready,
    "subsidy_run_decided_key": RunDecidedAlready,
    "subsidy_run_duties_separate": RunDutiesNotSeparate,
    "subsidy_run_payer_separate": RunDutiesNotSeparate,
    "subsidy_run_frozen": RunFrozen,
    "subsidy_posting_pkey": LinePostedAlready,
    "subsidy_award_hold_open_key": AwardHeldAlready,
}
