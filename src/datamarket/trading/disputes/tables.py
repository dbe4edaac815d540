"""Disputes of trades, and what became of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.contracts.terms import Party
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of
from datamarket.trading.disputes.rules import DisputeOpen
from datamarket.trading.disputes.terms import DisputeState

_OPEN = text("state IN ('opened', 'answered')")


class TradeDispute(SQLModel, table=True):
    """`documents` are names with the SHA-256 of what each side keeps; `hold_id` is null where no income was left to hold."""

    __tablename__ = "trade_dispute"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ledger_id", "hold_id"],
            ["ledger_hold.ledger_id", "ledger_hold.id"],
            name="trade_dispute_hold_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        one_of("state", DisputeState, "trade_dispute"),
        one_of("opened_by", (Party.PROVIDER, Party.BUYER), "trade_dispute"),
        one_of("offered_by", (Party.PROVIDER, Party.BUYER), "trade_dispute"),
        CheckConstraint(
            "amount_fen > 0 AND offered_fen BETWEEN 0 AND amount_fen AND outcome_fen BETWEEN 0 AND amount_fen",
            name="trade_dispute_amount_check",
        ),
        CheckConstraint("(offered_by IS NULL) = (offered_fen IS NULL)", name="trade_dispute_offered_check"),
        CheckConstraint(
            "(state IN ('opened', 'answered')) = (closed_at IS NULL)", name="trade_dispute_closed_check"
        ),
        CheckConstraint(
            "(state IN ('settled', 'decided')) = (outcome_fen IS NOT NULL)"
            " AND (coalesce(outcome_fen, 0) > 0) = (refund_id IS NOT NULL)",
            name="trade_dispute_outcome_check",
        ),
        Index("trade_dispute_open_key", "trade_id", unique=True, postgresql_where=_OPEN),
        Index("trade_dispute_trade_idx", "trade_id", "id"),
        Index("trade_dispute_provider_idx", "provider_id", "answer_by", postgresql_where=_OPEN),
        Index("trade_dispute_buyer_idx", "buyer_id", "answer_by", postgresql_where=_OPEN),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    trade_id: UUID = Field(foreign_key="trade.id")
    buyer_id: UUID
    provider_id: UUID
    opened_by: str
    state: str = DisputeState.OPENED
    amount_fen: int = Field(sa_type=BigInteger)
    reason: str
    documents: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    answer_by: datetime = instant()
    answer: str | None = None
    answer_documents: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    answered_at: datetime | None = instant(nullable=True)
    offered_by: str | None = None
    offered_fen: int | None = Field(default=None, sa_type=BigInteger)
    hold_id: UUID | None = None
    outcome_fen: int | None = Field(default=None, sa_type=BigInteger)
    outcome_reason: str | None = None
    refund_id: UUID | None = Field(default=None, foreign_key="refund.id")
    opened_at: datetime = instant()
    closed_at: datetime | None = instant(nullable=True)
    account_id: UUID
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {"trade_dispute_open_key": DisputeOpen}
