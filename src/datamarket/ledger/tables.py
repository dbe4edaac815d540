"""Rows of the ledger. `ledger_id` leads every key; entries and legs are partitioned by period."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Invalid, MarketError, NotFound, Refused
from datamarket.foundation.tables import BigInteger, instant, one_of, written_by
from datamarket.ledger.rules import (
    AlreadyPosted,
    EntryUnbalanced,
    FundsInsufficient,
    HoldExceeded,
    HoldExists,
    HoldExpiryPast,
    HoldLapsed,
    HoldResolved,
    HoldUnknown,
    PeriodClosed,
    PeriodMoveRefused,
    PeriodOutOfOrder,
    SameCity,
    TransferReferenceUsed,
)
from datamarket.ledger.terms import PeriodState, TransferDirection, TransferState


class AccountUnknown(NotFound):
    code = "ledger.account-unknown"
    zh = "没有这个账户。"
    en = "There is no such account."


class ReversalExceeds(Refused):
    code = "ledger.reversal-exceeds"
    zh = "冲正超过原分录。"
    en = "The reversal exceeds its original."


class LedgerAppendOnly(Invalid):
    code = "ledger.append-only"
    zh = "账簿只增不改。"
    en = "The ledger is append-only."


class LedgerAccount(SQLModel, table=True):
    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint(
            "ledger_id",
            "owner_id",
            "kind",
            name="ledger_account_owner_kind_key",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("normal_side IN ('debit', 'credit')", name="ledger_account_side_check"),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    owner_id: UUID | None = None
    kind: str
    normal_side: str
    may_go_negative: bool
    opened_at: datetime = instant()
    closed_at: datetime | None = instant(nullable=True)


class LedgerEntry(SQLModel, table=True):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ledger_entry_id_idx", "ledger_id", "id"),
        Index("ledger_entry_source_idx", "ledger_id", "source_id"),
        Index("ledger_entry_xid_idx", "ledger_id", "xid"),
        Index(
            "ledger_entry_reverses_idx",
            "ledger_id",
            "reverses",
            postgresql_where=text("reverses IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (period)"},
    )
    ledger_id: int = Field(primary_key=True)
    period: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    kind: str
    effective_at: datetime = instant()
    recorded_at: datetime = instant()
    source_type: str
    source_id: UUID
    reverses: UUID | None = None
    actor_id: UUID
    digest: bytes
    xid: int = written_by()


class LedgerLeg(SQLModel, table=True):
    __tablename__ = "ledger_leg"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="ledger_leg_not_zero"),
        Index("ledger_leg_account_idx", "ledger_id", "account_id", "period", "entry_id", "seq"),
        {"postgresql_partition_by": "RANGE (period)"},
    )
    ledger_id: int = Field(primary_key=True)
    period: int = Field(primary_key=True)
    entry_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    account_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)


class LedgerBalance(SQLModel, table=True):
    __tablename__ = "ledger_balance"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "account_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="ledger_balance_account_fkey",
        ),
        CheckConstraint(
            "may_go_negative OR credit_fen - debit_fen >= held_fen", name="ledger_balance_not_overdrawn"
        ),
        CheckConstraint("held_fen >= 0", name="ledger_balance_held_check"),
    )
    ledger_id: int = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    may_go_negative: bool
    debit_fen: int = Field(sa_type=BigInteger)
    credit_fen: int = Field(sa_type=BigInteger)
    held_fen: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class LedgerDay(SQLModel, table=True):
    """What moved on an account on one accounting day (see `ledger_accounting_day`)."""

    __tablename__ = "ledger_day"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "account_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="ledger_day_account_fkey",
        ),
        Index("ledger_day_day_idx", "ledger_id", "day"),
    )
    ledger_id: int = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    debit_fen: int = Field(sa_type=BigInteger)
    credit_fen: int = Field(sa_type=BigInteger)
    legs: int = Field(sa_type=BigInteger)


class LedgerPeriod(SQLModel, table=True):
    __tablename__ = "ledger_period"
    __table_args__ = (
        one_of("state", PeriodState, "ledger_period"),
        CheckConstraint(
            "(state IN ('closed', 'archived')) = (closing_root IS NOT NULL)"
            " AND (closing_root IS NULL) = (closed_at IS NULL) AND revision >= 0",
            name="ledger_period_closing_check",
        ),
        CheckConstraint(
            "id BETWEEN 200001 AND 299912 AND id % 100 BETWEEN 1 AND 12", name="ledger_period_id_check"
        ),
    )
    ledger_id: int = Field(primary_key=True)
    id: int = Field(primary_key=True)
    state: str
    version: int = 1
    revision: int = 0
    closed_at: datetime | None = instant(nullable=True)
    closing_root: bytes | None = None


class LedgerPeriodBalance(SQLModel, table=True):
    """What stood on an account when a month was closed, the `revision`-th time."""

    __tablename__ = "ledger_period_balance"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "period"],
            ["ledger_period.ledger_id", "ledger_period.id"],
            name="ledger_period_balance_period_fkey",
        ),
        ForeignKeyConstraint(
            ["ledger_id", "account_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="ledger_period_balance_account_fkey",
        ),
        CheckConstraint(
            "closing_debit_fen = opening_debit_fen + debit_fen"
            " AND closing_credit_fen = opening_credit_fen + credit_fen",
            name="ledger_period_balance_sum_check",
        ),
    )
    ledger_id: int = Field(primary_key=True)
    period: int = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    opening_debit_fen: int = Field(sa_type=BigInteger)
    opening_credit_fen: int = Field(sa_type=BigInteger)
    debit_fen: int = Field(sa_type=BigInteger)
    credit_fen: int = Field(sa_type=BigInteger)
    closing_debit_fen: int = Field(sa_type=BigInteger)
    closing_credit_fen: int = Field(sa_type=BigInteger)


class BusinessKey(SQLModel, table=True):
    __tablename__ = "business_key"
    ledger_id: int = Field(primary_key=True)
    source_type: str = Field(primary_key=True)
    source_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    period: int
    entry_id: UUID


class CityTransfer(SQLModel, table=True):
    """Money on its way between two cities, as one of them sees it: the other has the row with the same id."""

    __tablename__ = "city_transfer"
    __table_args__ = (
        UniqueConstraint(
            "ledger_id", "direction", "other_ledger", "reference", name="city_transfer_reference_key"
        ),
        ForeignKeyConstraint(
            ["ledger_id", "clearing_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="city_transfer_clearing_fkey",
        ),
        CheckConstraint("ledger_id <> other_ledger", name="city_transfer_between_two"),
        CheckConstraint("amount_fen > 0", name="city_transfer_amount_check"),
        one_of("direction", TransferDirection, "city_transfer"),
        one_of("state", TransferState, "city_transfer"),
        Index("city_transfer_owner_idx", "ledger_id", "owner_id", "id"),
        Index("city_transfer_due_idx", "ledger_id", "id", postgresql_where=text("state = 'sent'")),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    direction: str
    other_ledger: int
    clearing_id: UUID
    owner_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)
    reference: str
    state: str
    actor_id: UUID
    sent_at: datetime = instant()
    received_at: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)
    version: int = 1


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
    "ledger_balance_not_overdrawn": FundsInsufficient,
    "business_key_pkey": AlreadyPosted,
    "ledger_leg_of_an_account": AccountUnknown,
    "ledger_leg_not_zero": EntryUnbalanced,
    "ledger_entry_balanced": EntryUnbalanced,
    "ledger_period_open": PeriodClosed,
    "ledger_period_moves": PeriodMoveRefused,
    "ledger_period_order": PeriodOutOfOrder,
    "ledger_reversal_within_original": ReversalExceeds,
    "append_only": LedgerAppendOnly,
    "city_transfer_reference_key": TransferReferenceUsed,
    "city_transfer_between_two": SameCity,
    "ledger_hold_source_key": HoldExists,
    "ledger_hold_resolved_once": HoldResolved,
    "ledger_hold_within_amount": HoldExceeded,
    "ledger_hold_in_time": HoldLapsed,
    "ledger_hold_known": HoldUnknown,
    "ledger_hold_expiry_check": HoldExpiryPast,
}
