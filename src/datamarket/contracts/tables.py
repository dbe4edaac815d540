"""Rows of contracts, of what each stands on, of its meter, and of every metered use."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, text
from sqlmodel import Field, SQLModel

from datamarket.catalogue.listings.terms import ChargeKind
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.contracts.limits.terms import RatePeriod
from datamarket.contracts.terms import OPEN_STATES, ContractState, OfferState, Party
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, Text, instant, one_of, quoted
from datamarket.stoppages.terms import LinkKind
from datamarket.zones.terms import UseClass


class Contract(SQLModel, table=True):
    """A contract; `TOLD` is what its trades are priced, divided and counted by, which an amendment alone changes."""

    TOLD: ClassVar = {
        *(
            "price_model",
            "price_fen",
            "period_days",
            "price_terms",
            "terms_number",
            "venue_id",
            "venue_operator_id",
        ),
        *("venue_fee_bps", "provider_id", "buyer_id", "zone_id", "operator_id", "suppliers", "category"),
    }
    __tablename__ = "contract"
    __table_args__ = (
        one_of("state", ContractState, "contract"),
        one_of("use_class", UseClass, "contract"),
        one_of("kind", ContractKind, "contract"),
        CheckConstraint("term_from < term_to", name="contract_term_check"),
        CheckConstraint("provider_id <> buyer_id", name="contract_parties_check"),
        CheckConstraint(
            "state NOT IN ('active', 'suspended') OR (provider_signed_at IS NOT NULL AND buyer_signed_at IS NOT NULL)",
            name="contract_signed_check",
        ),
        Index("contract_provider_idx", "provider_id", "id"),
        Index("contract_buyer_idx", "buyer_id", "id"),
        Index("contract_running_idx", "term_to", postgresql_where=text(f"state IN ({quoted(OPEN_STATES)})")),
        Index("contract_fees_idx", "id", postgresql_where=text("price_terms IS NOT NULL")),
        Index("contract_ending_idx", "ends_at", postgresql_where=text("state IN ('active', 'suspended')")),
        Index("contract_answer_idx", "answer_by"),
        one_of("awaits", (Party.PROVIDER, Party.BUYER), "contract"),
        CheckConstraint(
            "answer_by IS NOT NULL OR state NOT IN ('requested', 'offered', 'accepted', 'agreed', 'part_signed')",
            name="contract_answer_check",
        ),
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
    terms_number: int = 1
    awaits: str | None = None
    answer_by: datetime | None = instant(nullable=True)
    ends_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1
    price_terms: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    kind: str = ContractKind.PROVISION


class ContractOffer(SQLModel, table=True):
    """One version of the terms, by whom it was offered; `base_number` is the one that it was to change.

    The contract's row holds what is negotiated, and, once both have signed, what is in force.
    The digests are of the text that each side has signed, which is the same one.
    """

    __tablename__ = "contract_offer"
    __table_args__ = (
        one_of("state", OfferState, "contract_offer"),
        one_of("party", (Party.PROVIDER, Party.BUYER), "contract_offer"),
        one_of("kind", ContractKind, "contract_offer"),
        CheckConstraint("provider_digest = buyer_digest", name="contract_offer_digests_check"),
        CheckConstraint("term_from < term_to", name="contract_offer_term_check"),
        CheckConstraint("number > base_number", name="contract_offer_number_check"),
        Index("contract_offer_open_key", "contract_id", unique=True, postgresql_where=text("state = 'open'")),
        Index(
            "contract_offer_in_force_key",
            "contract_id",
            unique=True,
            postgresql_where=text("state = 'in_force'"),
        ),
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    number: int = Field(primary_key=True)
    base_number: int
    party: str
    state: str = OfferState.OPEN
    price_model: str
    price_fen: int = Field(sa_type=BigInteger)
    period_days: int | None = None
    purposes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    use_class: str
    term_from: datetime = instant()
    term_to: datetime = instant()
    quota: int | None = Field(default=None, sa_type=BigInteger)
    annex: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    reason: str | None = None
    offered_at: datetime = instant()
    in_force_from: datetime | None = instant(nullable=True)
    in_force_to: datetime | None = instant(nullable=True)
    price_terms: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    kind: str = ContractKind.PROVISION
    provider_digest: str | None = None
    buyer_digest: str | None = None


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
    """All that decides a use, on one narrow row: whoever locks it sees the newest of everything. `limits` are those clauses of the annex.

    It stands from its term's first instant, or from where it was last resumed or its links restored, until its term is over, or before by the link `stopped_by`: `contract_follow` keeps these. `reserved` are units of open orders; `undecided` are deliveries on which the buyer has not decided for good: those in cure are among them.
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
        CheckConstraint("stands_from >= term_from", name="contract_meter_from_check"),
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
    stands_from: datetime = instant()
    stands_until: datetime = instant()
    stopped_by: str | None = None
    terms_number: int = 1
    limits: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))


class ContractRate(SQLModel, table=True):
    """What was used in one period of a contract's rate; changed under its meter's lock."""

    __tablename__ = "contract_rate"
    __table_args__ = (
        one_of("per", RatePeriod, "contract_rate"),
        CheckConstraint("used BETWEEN 0 AND most", name="contract_rate_most_check"),
        {"postgresql_with": {"fillfactor": 50}},
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    per: str = Field(primary_key=True)
    from_at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    used: int = Field(sa_type=BigInteger)
    most: int = Field(sa_type=BigInteger)


class ContractUse(SQLModel, table=True):
    """A metered use; or the use of no units that a fee of a price plan is priced by, once for each of its periods.

    `recorded_at` is null where it was recorded as it took place.
    """

    __tablename__ = "contract_use"
    __table_args__ = (
        CheckConstraint(
            "CASE WHEN fee IS NULL THEN quantity > 0 ELSE quantity = 0 END",
            name="contract_use_quantity_check",
        ),
        one_of("fee", (ChargeKind.BASIC, ChargeKind.MINIMUM), "contract_use"),
        Index(
            "contract_use_fee_key",
            "contract_id",
            "fee",
            "at",
            unique=True,
            postgresql_where=text("fee IS NOT NULL"),
        ),
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
    fee: str | None = None
    recorded_at: datetime | None = instant(nullable=True)
