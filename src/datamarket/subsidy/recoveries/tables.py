"""Rows of recoveries, of their instalments, of what came in and of what was restored. All but the first are append-only."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of, quoted
from datamarket.subsidy.recoveries.rules import (
    BINDING,
    OPEN,
    OWED,
    RecoveryBeyondPaid,
    RecoveryOpen,
    RecoverySameHand,
)
from datamarket.subsidy.recoveries.terms import ReceiptKind, RecoveryCause, RecoveryState


class SubsidyRecovery(SQLModel, table=True):
    """What is to come back of a paid line: `amount_fen` of the award, with fine and interest beside it.

    `received_fen` is what came in of all three; interest is told until `interest_to`; of the award `restored_fen` was given again.
    """

    __tablename__ = "subsidy_recovery"
    __table_args__ = (
        one_of("cause", RecoveryCause, "subsidy_recovery"),
        one_of("state", RecoveryState, "subsidy_recovery"),
        CheckConstraint("decided_by <> proposed_by", name="subsidy_recovery_hands_separate"),
        CheckConstraint(
            "amount_fen > 0 AND restored_fen BETWEEN 0 AND amount_fen AND fine_fen >= 0 AND interest_fen >= 0 AND (fine_rate IS NOT NULL OR fine_fen = 0)"
            " AND received_fen BETWEEN 0 AND amount_fen + fine_fen + interest_fen",
            name="subsidy_recovery_amount_check",
        ),
        CheckConstraint(
            f"state NOT IN ({quoted(BINDING)})"
            " OR (decided_by IS NOT NULL AND decided_at IS NOT NULL AND decision IS NOT NULL)",
            name="subsidy_recovery_decided_check",
        ),
        CheckConstraint(
            "(state = 'recovered') = (received_fen = amount_fen + fine_fen + interest_fen)"
            " AND (received_fen > 0) = (state IN ('recovering', 'recovered'))",
            name="subsidy_recovery_received_check",
        ),
        Index(
            "subsidy_recovery_open_key",
            "line_id",
            "cause",
            unique=True,
            postgresql_where=text(f"state IN ({quoted(OPEN)})"),
        ),
        Index(
            "subsidy_recovery_owed_idx",
            "enterprise_id",
            "id",
            postgresql_where=text(f"state IN ({quoted(OWED)})"),
        ),
        Index("subsidy_recovery_line_idx", "line_id"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    run_id: UUID = Field(foreign_key="subsidy_run.id")
    line_id: UUID = Field(foreign_key="subsidy_line.id")
    enterprise_id: UUID = Field(foreign_key="participant.id")
    cause: str
    state: str = RecoveryState.PROPOSED
    amount_fen: int = Field(sa_type=BigInteger)
    fine_rate: str | None = None
    fine_fen: int = Field(default=0, sa_type=BigInteger)
    interest_fen: int = Field(default=0, sa_type=BigInteger)
    interest_to: date | None = None
    received_fen: int = Field(default=0, sa_type=BigInteger)
    restored_fen: int = Field(default=0, sa_type=BigInteger)
    reason: str
    article: str
    proposed_by: UUID
    proposed_at: datetime = instant()
    decided_by: UUID | None = None
    decided_at: datetime | None = instant(nullable=True)
    decision: str | None = None
    version: int = 1

    @property
    def total_fen(self) -> int:
        return self.amount_fen + self.fine_fen + self.interest_fen

    @property
    def collected(self) -> tuple[int, int]:
        """What came in of fine and of interest: the award is paid back first, interest last."""
        fine = min(max(self.received_fen - self.amount_fen, 0), self.fine_fen)
        return fine, max(self.received_fen - self.amount_fen - self.fine_fen, 0)

    @property
    def open_fen(self) -> int:
        """What is still to come; nothing before the decision, and nothing of what was cancelled."""
        return self.total_fen - self.received_fen if self.state in OWED else 0


class RecoveryInstalment(SQLModel, table=True):
    """A part of a plan; `through_fen` is what is due with it and all before it."""

    __tablename__ = "subsidy_recovery_instalment"
    __table_args__ = (
        UniqueConstraint("recovery_id", "due_on", name="subsidy_recovery_instalment_day_key"),
        CheckConstraint(
            "amount_fen > 0 AND through_fen >= amount_fen", name="subsidy_recovery_instalment_amount_check"
        ),
    )
    recovery_id: UUID = Field(primary_key=True, foreign_key="subsidy_recovery.id")
    n: int = Field(primary_key=True)
    due_on: date
    amount_fen: int = Field(sa_type=BigInteger)
    through_fen: int = Field(sa_type=BigInteger)


class RecoveryReceipt(SQLModel, table=True):
    """What came in of a recovery: by a bank advice, named by its reference, or off a later award, named by its line."""

    __tablename__ = "subsidy_recovery_receipt"
    __table_args__ = (
        one_of("kind", ReceiptKind, "subsidy_recovery_receipt"),
        CheckConstraint("amount_fen > 0", name="subsidy_recovery_receipt_amount_check"),
        CheckConstraint(
            "(kind = 'payment') = (reference IS NOT NULL) AND (kind = 'set_off') = (line_id IS NOT NULL)",
            name="subsidy_recovery_receipt_named_check",
        ),
        UniqueConstraint("recovery_id", "entry_id", name="subsidy_recovery_receipt_entry_key"),
    )
    id: UUID = Field(primary_key=True)
    recovery_id: UUID = Field(foreign_key="subsidy_recovery.id")
    kind: str
    reference: str | None = None
    line_id: UUID | None = Field(default=None, foreign_key="subsidy_line.id")
    amount_fen: int = Field(sa_type=BigInteger)
    entry_id: UUID
    received_by: UUID
    received_at: datetime = instant()


class RecoveryRestoration(SQLModel, table=True):
    """What was given again of a recovered award: `set_off_fen` of it against what was still owed, the rest is payable."""

    __tablename__ = "subsidy_recovery_restoration"
    __table_args__ = (
        CheckConstraint(
            "amount_fen > 0 AND set_off_fen BETWEEN 0 AND amount_fen",
            name="subsidy_recovery_restoration_amount_check",
        ),
        Index("subsidy_recovery_restoration_idx", "recovery_id"),
    )
    id: UUID = Field(primary_key=True)
    recovery_id: UUID = Field(foreign_key="subsidy_recovery.id")
    amount_fen: int = Field(sa_type=BigInteger)
    set_off_fen: int = Field(sa_type=BigInteger)
    reason: str
    entry_id: UUID
    restored_by: UUID
    restored_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_recovery_hands_separate": RecoverySameHand,
    "subsidy_recovery_open_key": RecoveryOpen,
    "subsidy_recovery_within_paid": RecoveryBeyondPaid,
}
