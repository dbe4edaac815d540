"""Rows of accounting months and of their closing balances."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.ledger.periods.rules import PeriodMoveRefused, PeriodOutOfOrder
from datamarket.ledger.periods.terms import PeriodState


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


ERRORS: dict[str, type[MarketError]] = {
    "ledger_period_moves": PeriodMoveRefused,
    "ledger_period_order": PeriodOutOfOrder,
}
