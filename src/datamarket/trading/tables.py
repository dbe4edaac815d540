"""Trades and refunds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, Refused
from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of
from datamarket.trading.terms import TradeState


class UsePricedAlready(Conflict):
    code = "trade.use-priced-already"
    zh = "该次使用已经计价成交，不会重复计价。"
    en = "This use has its trade already; it is never priced twice."


class RefundBeyondTrade(Refused):
    code = "trade.refund-beyond-trade"
    zh = "累计退款超过交易金额。"
    en = "Refunds would exceed the trade."


class TradeRow(SQLModel, table=True):
    __tablename__ = "trade"
    __table_args__ = (
        UniqueConstraint("use_id", name="trade_use_key"),
        CheckConstraint("refunded_fen BETWEEN 0 AND amount_fen", name="trade_refunded_check"),
        CheckConstraint("amount_fen >= 0 AND quantity >= 0", name="trade_amount_check"),
        one_of("state", TradeState, "trade"),
        Index("trade_provider_idx", "provider_id", "occurred_at"),
        Index("trade_buyer_idx", "buyer_id", "id"),
        Index("trade_contract_idx", "contract_id", "id"),
        Index("trade_occurred_idx", "occurred_at"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    contract_id: UUID = Field(foreign_key="contract.id")
    use_id: UUID = Field(foreign_key="contract_use.id")
    buyer_id: UUID
    provider_id: UUID
    venue_id: UUID
    zone_id: UUID | None = None
    product_id: UUID
    category: str
    quantity: int = Field(sa_type=BigInteger)
    unit_price_fen: int = Field(sa_type=BigInteger)
    amount_fen: int = Field(sa_type=BigInteger)
    split: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    revenue_rule: str
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()
    refunded_fen: int = Field(sa_type=BigInteger)
    state: str
    version: int


class RefundRow(SQLModel, table=True):
    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="refund_amount_check"),
        Index("refund_trade_idx", "trade_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    trade_id: UUID = Field(foreign_key="trade.id")
    amount_fen: int = Field(sa_type=BigInteger)
    reason: str
    refunded_at: datetime = instant()
    account_id: UUID


class ChargedMonth(SQLModel, table=True):
    """What was used in a month under a contract whose plan counts, and charged for it; changed under its meter's lock."""

    __tablename__ = "charged_month"
    __table_args__ = (
        CheckConstraint("units >= 0 AND charged_fen >= 0", name="charged_month_amount_check"),
        {"postgresql_with": {"fillfactor": 50}},
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    month: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    units: int = Field(sa_type=BigInteger)
    charged_fen: int = Field(sa_type=BigInteger)


ERRORS: dict[str, type[MarketError]] = {
    "trade_use_key": UsePricedAlready,
    "trade_refunded_check": RefundBeyondTrade,
}
