"""Rows of quotes: what was asked, what it would cost, and the signed note."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of
from datamarket.zones.terms import UseClass


class Quote(SQLModel, table=True):
    __tablename__ = "quote"
    __table_args__ = (
        UniqueConstraint("number", name="quote_number_key"),
        one_of("use_class", UseClass, "quote"),
        CheckConstraint("quantity > 0 AND amount_fen >= 0 AND fees_fen >= 0", name="quote_amount_check"),
        CheckConstraint(
            "term_from < term_to AND quoted_at < expires_at AND used_at < expires_at", name="quote_term_check"
        ),
        Index("quote_buyer_idx", "buyer_id", "id"),
        Index("quote_provider_idx", "provider_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    number: str
    buyer_id: UUID = Field(foreign_key="participant.id")
    provider_id: UUID = Field(foreign_key="participant.id")
    listing_id: UUID = Field(foreign_key="listing.id", index=True)
    purpose: str
    use_class: str
    quantity: int = Field(sa_type=BigInteger)
    term_from: datetime = instant()
    term_to: datetime = instant()
    price_model: str
    price_fen: int = Field(sa_type=BigInteger)
    period_days: int | None = None
    price_terms: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    amount_fen: int = Field(sa_type=BigInteger)
    fees_fen: int = Field(sa_type=BigInteger)
    lines: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    note: str
    quoted_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)
    version: int = 1
