"""Batches, payouts, the bank's statements and their lines. `ledger_id` leads every key."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import ARRAY, BigInteger, Text, instant, one_of
from datamarket.payouts.rules import AccountQueued, AwardInstructed, PayoutDutiesNotSeparate
from datamarket.payouts.terms import BatchState, PayableKind, PayoutState


class PayoutBatch(SQLModel, table=True):
    __tablename__ = "payout_batch"
    __table_args__ = (
        UniqueConstraint("ledger_id", "number", name="payout_batch_number_key"),
        CheckConstraint("payouts > 0 AND total_fen > 0", name="payout_batch_not_empty"),
        CheckConstraint(
            "executed_fen >= 0 AND refused_fen >= 0 AND executed_fen + refused_fen <= total_fen",
            name="payout_batch_decided_check",
        ),
        CheckConstraint(
            "state <> 'settled' OR executed_fen + refused_fen = total_fen", name="payout_batch_settled_check"
        ),
        CheckConstraint("approved_by <> actor_id", name="payout_batch_duties_check"),
        CheckConstraint(
            "state NOT IN ('approved', 'sent', 'settled') OR approved_by IS NOT NULL",
            name="payout_batch_approved_check",
        ),
        one_of("state", BatchState, "payout_batch"),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    number: str
    state: str = BatchState.DRAFTED
    day: date
    up_to_day: date | None = None
    min_amount_fen: int = Field(sa_type=BigInteger)
    kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    payouts: int
    total_fen: int = Field(sa_type=BigInteger)
    executed_fen: int = Field(default=0, sa_type=BigInteger)
    refused_fen: int = Field(default=0, sa_type=BigInteger)
    file_sha256: str
    actor_id: UUID
    made_at: datetime = instant()
    approved_by: UUID | None = None
    approved_at: datetime | None = instant(nullable=True)
    sent_by: UUID | None = None
    sent_at: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)
    version: int = 1


class Payout(SQLModel, table=True):
    """One account's income, or one award, on its way out; payee and name are frozen as the bank gets them."""

    __tablename__ = "payout"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "batch_id"],
            ["payout_batch.ledger_id", "payout_batch.id"],
            name="payout_batch_id_fkey",
        ),
        ForeignKeyConstraint(
            ["ledger_id", "account_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="payout_account_id_fkey",
        ),
        UniqueConstraint("ledger_id", "bank_reference", name="payout_bank_reference_key"),
        UniqueConstraint("ledger_id", "batch_id", "position", name="payout_position_key"),
        Index(
            "payout_queued_key",
            "ledger_id",
            "account_id",
            unique=True,
            postgresql_where=text("state = 'queued' AND award_id IS NULL"),
        ),
        Index(
            "payout_award_key",
            "ledger_id",
            "award_id",
            unique=True,
            postgresql_where=text("award_id IS NOT NULL AND state NOT IN ('refused', 'cancelled')"),
        ),
        Index(
            "payout_award_idx", "ledger_id", "award_id", "id", postgresql_where=text("award_id IS NOT NULL")
        ),
        Index("payout_undecided_idx", "ledger_id", "payee_id", postgresql_where=text("state = 'sent'")),
        Index("payout_payee_idx", "ledger_id", "payee_id", "id"),
        CheckConstraint("amount_fen > 0", name="payout_amount_check"),
        CheckConstraint(
            "(account_kind = 'subsidy_payable') = (award_id IS NOT NULL)", name="payout_award_check"
        ),
        CheckConstraint(
            "(state IN ('executed', 'refused')) = (decided_on IS NOT NULL)", name="payout_decided_check"
        ),
        CheckConstraint(
            "(state = 'refused') = (refusal_code IS NOT NULL)"
            " AND (refusal_code IS NULL) = (refusal_reason IS NULL)",
            name="payout_refusal_check",
        ),
        one_of("state", PayoutState, "payout"),
        one_of("account_kind", PayableKind, "payout"),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    batch_id: UUID
    position: int
    payee_id: UUID | None = None
    payee_code: str
    payee_name: str
    account_id: UUID
    account_kind: str
    amount_fen: int = Field(sa_type=BigInteger)
    bank_reference: str
    state: str = PayoutState.QUEUED
    decided_on: date | None = None
    refusal_code: str | None = None
    refusal_reason: str | None = None
    version: int = 1
    award_id: UUID | None = None

    @property
    def refusal(self) -> tuple[str, str] | None:
        """The bank's code, and its words."""
        code, reason = self.refusal_code, self.refusal_reason
        return (code, reason) if code is not None and reason is not None else None


ERRORS: dict[str, type[MarketError]] = {
    "payout_queued_key": AccountQueued,
    "payout_award_key": AwardInstructed,
    "payout_batch_duties_check": PayoutDutiesNotSeparate,
}
