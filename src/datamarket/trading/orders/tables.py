"""Orders that wait for delivery or acceptance, and what became of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.contracts.quotes.rules import QuoteUsed
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import ARRAY, BigInteger, instant, one_of, quoted
from datamarket.trading.orders.terms import OPEN_ORDERS, OrderState

_OPEN = quoted(OPEN_ORDERS)


class TradeOrder(SQLModel, table=True):
    __tablename__ = "trade_order"
    __table_args__ = (
        UniqueConstraint("ledger_id", "hold_id", name="trade_order_hold_key"),
        UniqueConstraint("trade_id", name="trade_order_trade_key"),
        UniqueConstraint("quote_id", name="trade_order_quote_key"),
        ForeignKeyConstraint(
            ["ledger_id", "hold_id"],
            ["ledger_hold.ledger_id", "ledger_hold.id"],
            name="trade_order_hold_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        one_of("state", OrderState, "trade_order"),
        CheckConstraint("quantity > 0 AND amount_fen >= 0", name="trade_order_amount_check"),
        CheckConstraint("(hold_id IS NULL) = (amount_fen = 0)", name="trade_order_hold_check"),
        CheckConstraint(
            f"reserved_quantity BETWEEN 0 AND quantity AND (reserved_quantity = 0 OR state IN ({_OPEN}))",
            name="trade_order_reserved_check",
        ),
        CheckConstraint(
            "acceptance_days BETWEEN 0 AND 365 AND cure_days BETWEEN 0 AND 90 AND deliver_by > placed_at",
            name="trade_order_days_check",
        ),
        CheckConstraint(
            "(state IN ('delivered', 'curing', 'accepted', 'rejected')) = (delivered_at IS NOT NULL AND decide_by IS NOT NULL)",
            name="trade_order_delivered_check",
        ),
        CheckConstraint(f"(state IN ({_OPEN})) = (decided_at IS NULL)", name="trade_order_decided_check"),
        CheckConstraint(
            "CASE WHEN cure_by IS NULL THEN state <> 'curing' ELSE cure_days > 0 END",
            name="trade_order_cure_check",
        ),
        CheckConstraint("used_at IS NULL OR state = 'accepted'", name="trade_order_used_check"),
        CheckConstraint("cut_fen = 0 OR cut_fen BETWEEN 1 AND amount_fen", name="trade_order_cut_check"),
        CheckConstraint(
            "cardinality(instalments) = 3 AND 0 <= ALL (instalments)"
            " AND instalments[1] + instalments[2] + instalments[3] = amount_fen",
            name="trade_order_instalments_check",
        ),
        CheckConstraint(
            "(state = 'accepted') = (trade_id IS NOT NULL) AND (state = 'accepted') = (accepted_quantity IS NOT NULL)"
            " AND (accepted_quantity IS NULL OR accepted_quantity BETWEEN 1 AND quantity)",
            name="trade_order_accepted_check",
        ),
        Index("trade_order_buyer_idx", "buyer_id", "id"),
        Index("trade_order_provider_idx", "provider_id", "id"),
        Index("trade_order_contract_idx", "contract_id", "id"),
        Index(
            "trade_order_awaited_idx",
            "provider_id",
            "deliver_by",
            "id",
            postgresql_where=text("state = 'placed'"),
        ),
        Index(
            "trade_order_overdue_idx", "ledger_id", "deliver_by", postgresql_where=text("state = 'placed'")
        ),
        Index(
            "trade_order_deciding_idx",
            "buyer_id",
            "decide_by",
            "id",
            postgresql_where=text("state = 'delivered'"),
        ),
        Index(
            "trade_order_undecided_idx",
            "ledger_id",
            "decide_by",
            postgresql_where=text("state = 'delivered'"),
        ),
        Index(
            "trade_order_curing_idx",
            "provider_id",
            "cure_by",
            "id",
            postgresql_where=text("state = 'curing'"),
        ),
        Index("trade_order_uncured_idx", "ledger_id", "cure_by", postgresql_where=text("state = 'curing'")),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    contract_id: UUID = Field(foreign_key="contract.id")
    buyer_id: UUID
    provider_id: UUID
    purpose: str
    quantity: int = Field(sa_type=BigInteger)
    unit_price_fen: int = Field(sa_type=BigInteger)
    amount_fen: int = Field(sa_type=BigInteger)
    deliver_by: datetime = instant()
    acceptance_days: int
    state: str
    hold_id: UUID | None = None
    delivered_at: datetime | None = instant(nullable=True)
    decide_by: datetime | None = instant(nullable=True)
    decided_at: datetime | None = instant(nullable=True)
    by_silence: bool = False
    accepted_quantity: int | None = Field(default=None, sa_type=BigInteger)
    trade_id: UUID | None = Field(default=None, foreign_key="trade.id")
    reason: str | None = None
    placed_at: datetime = instant()
    actor_id: UUID
    version: int = 1
    reserved_quantity: int = Field(sa_type=BigInteger)
    quote_id: UUID | None = Field(default=None, foreign_key="quote.id")
    cure_days: int = 0
    cure_by: datetime | None = instant(nullable=True)
    hidden_defect: bool = False
    used_at: datetime | None = instant(nullable=True)
    cut_fen: int = Field(default=0, sa_type=BigInteger)
    instalments: list[int] | None = Field(default=None, sa_column=Column(ARRAY(BigInteger)))

    @property
    def shares(self) -> tuple[int, int, int]:
        """What is put into escrow at placement and on delivery, and what stays held until acceptance; in fen."""
        signing, delivery, acceptance = self.instalments or (0, self.amount_fen, 0)
        return signing, delivery, acceptance

    @property
    def escrowed_fen(self) -> int:
        """What of it is in escrow now."""
        signing, delivery, _ = self.shares
        if self.state not in OPEN_ORDERS:
            return 0
        return signing if self.state == OrderState.PLACED else signing + delivery


ERRORS: dict[str, type[MarketError]] = {"trade_order_quote_key": QuoteUsed}
