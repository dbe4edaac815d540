"""Rows of turnover: parts of what a contract turned over in a month of Qingdao."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import BigInteger, instant


class MonthlyTurnover(SQLModel, table=True):
    """The sum of the parts counts; one part alone may be below zero. A contract fixes provider, buyer and venue.

    `remaining_trades` have something left after their refunds; what is refunded stands in the month of its trade;
    `month` is its first day.
    """

    __tablename__ = "monthly_turnover"
    ledger_id: int = Field(primary_key=True)
    month: date = Field(primary_key=True)
    contract_id: UUID = Field(primary_key=True)
    part: UUID = Field(primary_key=True)
    provider_id: UUID
    buyer_id: UUID
    venue_id: UUID
    trades: int = Field(sa_type=BigInteger)
    free_trades: int = Field(sa_type=BigInteger)
    remaining_trades: int = Field(sa_type=BigInteger)
    gross_fen: int = Field(sa_type=BigInteger)
    refunded_fen: int = Field(sa_type=BigInteger)
    first_settled_at: datetime | None = instant(nullable=True)
    last_recorded_at: datetime | None = instant(nullable=True)
    last_refunded_at: datetime | None = instant(nullable=True)
