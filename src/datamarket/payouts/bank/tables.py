"""Rows of the bank's statements, and of their lines."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.payouts.bank.rules import EntryMatchedAlready
from datamarket.payouts.bank.terms import MatchState


class StatementImported(Conflict):
    code = "bank.statement-imported"
    zh = "该对账单已导入。"
    en = "This statement is imported already."


class BankStatement(SQLModel, table=True):
    """What the bank says of a day: imported once, never changed."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        UniqueConstraint("ledger_id", "sha256", name="bank_statement_sha256_key"),
        UniqueConstraint("ledger_id", "day", name="bank_statement_day_key"),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    sha256: str
    day: date
    opening_fen: int = Field(sa_type=BigInteger)
    closing_fen: int = Field(sa_type=BigInteger)
    lines: int
    actor_id: UUID
    imported_at: datetime = instant()


class BankLine(SQLModel, table=True):
    """A movement at the bank; only its match is ever set, and only once.

    `entry_on` is the accounting day of the matched entry.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "statement_id"],
            ["bank_statement.ledger_id", "bank_statement.id"],
            name="bank_line_statement_id_fkey",
        ),
        UniqueConstraint("ledger_id", "statement_id", "position", name="bank_line_position_key"),
        UniqueConstraint("ledger_id", "entry_id", name="bank_line_entry_key"),
        Index("bank_line_open_idx", "ledger_id", "id", postgresql_where=text("match_state = 'open'")),
        Index("bank_line_day_idx", "ledger_id", "day", "position"),
        CheckConstraint("amount_fen <> 0", name="bank_line_amount_check"),
        CheckConstraint(
            "(match_state = 'open') = (entry_id IS NULL) AND (entry_id IS NULL) = (entry_on IS NULL)",
            name="bank_line_matched_check",
        ),
        CheckConstraint(
            "(match_state = 'matched_by_hand') = (match_reason IS NOT NULL)", name="bank_line_reason_check"
        ),
        one_of("match_state", MatchState, "bank_line"),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    statement_id: UUID
    position: int
    day: date
    value_on: date
    amount_fen: int = Field(sa_type=BigInteger)
    reference: str
    text: str
    match_state: str = MatchState.OPEN
    entry_id: UUID | None = None
    entry_on: date | None = None
    match_reason: str | None = None
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "bank_statement_sha256_key": StatementImported,
    "bank_statement_day_key": StatementImported,
    "bank_line_entry_key": EntryMatchedAlready,
}
