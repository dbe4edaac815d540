"""Rows of money set aside, and of the entries that took from it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import BigInteger, instant
from datamarket.ledger.holds.rules import (
    HoldExceeded,
    HoldExists,
    HoldExpiryPast,
    HoldLapsed,
    HoldResolved,
    HoldUnknown,
)


class LedgerHold(SQLModel, table=True):
    """Money of an account set aside for one business; written by the ledger_*_holds functions alone."""

    __tablename__ = "ledger_hold"
    __table_args__ = (
        UniqueConstraint("ledger_id", "source_type", "source_id", name="ledger_hold_source_key"),
        ForeignKeyConstraint(
            ["ledger_id", "account_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="ledger_hold_account_fkey",
        ),
        CheckConstraint(
            "amount_fen > 0 AND posted_fen >= 0 AND voided_fen >= 0 AND expired_fen >= 0"
            " AND posted_fen + voided_fen + expired_fen <= amount_fen",
            name="ledger_hold_within_amount",
        ),
        CheckConstraint(
            "voided_fen + expired_fen = 0 OR (posted_fen + voided_fen + expired_fen = amount_fen"
            " AND (voided_fen = 0 OR expired_fen = 0))",
            name="ledger_hold_released_whole",
        ),
        CheckConstraint(
            "state = CASE WHEN expired_fen > 0 THEN 'expired' WHEN voided_fen > 0 THEN 'voided'"
            " WHEN posted_fen = amount_fen THEN 'posted' WHEN posted_fen > 0 THEN 'partly_posted' ELSE 'held' END",
            name="ledger_hold_state_check",
        ),
        CheckConstraint(
            "(resolved_at IS NULL) = (state IN ('held', 'partly_posted'))", name="ledger_hold_resolved_check"
        ),
        CheckConstraint("expires_at > created_at", name="ledger_hold_expiry_check"),
        Index("ledger_hold_account_idx", "ledger_id", "account_id", "id"),
        Index(
            "ledger_hold_due_idx",
            "ledger_id",
            "expires_at",
            postgresql_where=text("state IN ('held', 'partly_posted')"),
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    account_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)
    posted_fen: int = Field(sa_type=BigInteger)
    voided_fen: int = Field(sa_type=BigInteger)
    expired_fen: int = Field(sa_type=BigInteger)
    state: str
    expires_at: datetime = instant()
    source_type: str
    source_id: UUID
    reason: str | None = None
    created_at: datetime = instant()
    resolved_at: datetime | None = instant(nullable=True)
    actor_id: UUID
    organisation_id: UUID | None = None
    version: int

    @property
    def held_fen(self) -> int:
        """What is still held."""
        return self.amount_fen - self.posted_fen - self.voided_fen - self.expired_fen


class LedgerHoldPosting(SQLModel, table=True):
    """Which entry took how much of a hold: it debits the held account by exactly that."""

    __tablename__ = "ledger_hold_posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "hold_id"],
            ["ledger_hold.ledger_id", "ledger_hold.id"],
            name="ledger_hold_posting_hold_fkey",
        ),
        CheckConstraint("amount_fen > 0", name="ledger_hold_posting_amount_check"),
        Index("ledger_hold_posting_entry_idx", "ledger_id", "entry_id"),
    )
    ledger_id: int = Field(primary_key=True)
    hold_id: UUID = Field(primary_key=True)
    entry_id: UUID = Field(primary_key=True)
    amount_fen: int = Field(sa_type=BigInteger)


ERRORS: dict[str, type[MarketError]] = {
    "ledger_hold_source_key": HoldExists,
    "ledger_hold_resolved_once": HoldResolved,
    "ledger_hold_within_amount": HoldExceeded,
    "ledger_hold_in_time": HoldLapsed,
    "ledger_hold_known": HoldUnknown,
    "ledger_hold_expiry_check": HoldExpiryPast,
}
