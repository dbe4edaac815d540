"""Rows of contracts, of what each stands on, of its meter, and of every metered use."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, text
from sqlmodel import Field, SQLModel

from datamarket.contracts.terms import OPEN_STATES, ContractState
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, Text, instant, one_of, quoted
from datamarket.stoppages.terms import LinkKind
from datamarket.zones.terms import UseClass


class Contract(SQLModel, table=True):
    __tablename__ = "contract"
    __table_args__ = (
        one_of("state", ContractState, "contract"),
        one_of("use_class", UseClass, "contract"),
        CheckConstraint("term_from < term_to", name="contract_term_check"),
        CheckConstraint("provider_id <> buyer_id", name="contract_parties_check"),
        CheckConstraint(
            "state NOT IN ('active', 'suspended') OR (provider_signed_at IS NOT NULL AND buyer_signed_at IS NOT NULL)",
            name="contract_signed_check",
        ),
        Index("contract_provider_idx", "provider_id", "id"),
        Index("contract_buyer_idx", "buyer_id", "id"),
        Index("contract_running_idx", "term_to", postgresql_where=text(f"state IN ({quoted(OPEN_STATES)})")),
    )
    id: UUID = Field(primary_key=True)
    listing_id: UUID = Field(foreign_key="listing.id", index=True)
    product_id: UUID = Field(foreign_key="product.id")
    product_version: int
    category: str
    provider_id: UUID = Field(foreign_key="participant.id")
    buyer_id: UUID = Field(foreign_key="participant.id")
    venue_id: UUID = Field(foreign_key="venue.id")
    venue_operator_id: UUID
    venue_fee_bps: int
    zone_id: UUID | None = None
    operator_id: UUID | None = None
    suppliers: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    price_model: str
    price_fen: int = Field(sa_type=BigInteger)
    period_days: int | None = None
    purposes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    use_class: str
    redevelopment: bool = False
    term_from: datetime = instant()
    term_to: datetime = instant()
    quota: int | None = Field(default=None, sa_type=BigInteger)
    annex: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    state: str
    reason: str | None = None
    provider_signed_at: datetime | None = instant(nullable=True)
    buyer_signed_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1


class ContractLink(SQLModel, table=True):
    """One link of the chain of authority: its document and its term as they were signed upon, from when on, and until when."""

    __tablename__ = "contract_link"
    __table_args__ = (
        CheckConstraint("to_at >= from_at", name="contract_link_term_check"),
        one_of("kind", LinkKind, "contract_link"),
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    kind: str = Field(primary_key=True)
    target_id: UUID = Field(primary_key=True, index=True)
    document: str
    term_from: date | None = None
    term_to: date | None = None
    from_at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    to_at: datetime | None = instant(nullable=True)


class ContractMeter(SQLModel, table=True):
    """All that decides a use, on one narrow row: whoever locks it sees the newest of everything.

    It stands until its term is over, or before by the link `stopped_by`: `contract_follow` keeps both. `reserved` are units of open orders; `undecided` are deliveries on which the buyer has not decided.
    """

    __tablename__ = "contract_meter"
    __table_args__ = (
        CheckConstraint(
            "used >= 0 AND reserved >= 0 AND undecided >= 0 AND (quota IS NULL OR used + reserved <= quota)",
            name="contract_meter_quota_check",
        ),
        CheckConstraint(
            "CASE WHEN stopped_by IS NULL THEN stands_until = term_to ELSE stands_until < term_to END",
            name="contract_meter_stands_check",
        ),
        {"postgresql_with": {"fillfactor": 50}},
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    buyer_id: UUID
    state: str
    term_from: datetime = instant()
    term_to: datetime = instant()
    purposes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    quota: int | None = Field(default=None, sa_type=BigInteger)
    used: int = Field(sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    undecided: int = 0
    stands_until: datetime = instant()
    stopped_by: str | None = None


class ContractUse(SQLModel, table=True):
    __tablename__ = "contract_use"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="contract_use_quantity_check"),
        Index("contract_use_contract_idx", "contract_id", "id"),
        Index("contract_use_unpriced_idx", "contract_id", "id", postgresql_where=text("NOT priced")),
    )
    id: UUID = Field(primary_key=True)
    contract_id: UUID = Field(foreign_key="contract.id")
    purpose: str
    quantity: int = Field(sa_type=BigInteger)
    at: datetime = instant()
    account_id: UUID
    priced: bool
