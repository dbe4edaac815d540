"""Rows of the ledger. `ledger_id` leads every key; entries and legs are partitioned by period."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Invalid, MarketError, NotFound, Refused
from datamarket.foundation.tables import BigInteger, instant, written_by
from datamarket.ledger.rules import ONE_POSTING, EntryUnbalanced


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


class BusinessKey(SQLModel, table=True):
    __tablename__ = "business_key"
    ledger_id: int = Field(primary_key=True)
    source_type: str = Field(primary_key=True)
    source_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    period: int
    entry_id: UUID


ERRORS: dict[str, type[MarketError]] = {
    **ONE_POSTING,
    "ledger_leg_of_an_account": AccountUnknown,
    "ledger_leg_not_zero": EntryUnbalanced,
    "ledger_entry_balanced": EntryUnbalanced,
    "ledger_reversal_within_original": ReversalExceeds,
    "append_only": LedgerAppendOnly,
}
