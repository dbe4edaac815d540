"""Venues, products, versions, listings. A listing repeats what a search shows, so that one row answers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from datamarket.catalogue.rules import OwnReview, PlanFaulty, PublicGoodNotFree
from datamarket.catalogue.terms import (
    Category,
    DeliveryForm,
    FeePayer,
    ListingState,
    Modality,
    PriceModel,
    Processing,
    VenueKind,
    VenueState,
    VersionState,
)
from datamarket.foundation.errors import Conflict, Invalid, MarketError, NotFound
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, Text, instant, one_of
from datamarket.zones.terms import Level, UseClass


class VenueCodeTaken(Conflict):
    code = "venue.code-taken"
    zh = "该平台编码已被使用。"
    en = "This venue code is taken."


class QualificationUndated(Invalid):
    code = "venue.qualification-undated"
    zh = "纳入补贴统计的平台须注明起始日期，未纳入的不得填写。"
    en = "A venue that counts for the subsidy names the day from which; one that does not names none."


class ProductCodeTaken(Conflict):
    code = "product.code-taken"
    zh = "该产品编码已被使用。"
    en = "This product code is taken."


class ScenarioMissing(Invalid):
    code = "product.scenario-missing"
    zh = "专区产品须同时注明专区与场景；自有数据产品两者皆不填。"
    en = "A zone's product names both zone and scenario; a product of own data names neither."


class ListedAlready(Conflict):
    code = "listing.listed-already"
    zh = "该产品版本已在此平台按相同计价方式挂牌；如需新价格，请先摘牌。"
    en = (
        "This version is already listed on this venue with that price model; delist it first for a new price."
    )


class ReferenceUnknown(NotFound):
    code = "catalogue.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."


class Venue(SQLModel, table=True):
    __tablename__ = "venue"
    __table_args__ = (
        UniqueConstraint("code", name="venue_code_key"),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="venue_fee_bps_check"),
        CheckConstraint(
            "qualified_for_subsidy = (qualified_from IS NOT NULL)", name="venue_qualification_dated"
        ),
        one_of("kind", VenueKind, "venue"),
        one_of("fee_payer", FeePayer, "venue"),
        one_of("state", VenueState, "venue"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    name_zh: str
    name_en: str
    kind: str
    operator_id: UUID = Field(foreign_key="participant.id")
    categories: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    qualified_for_subsidy: bool
    qualified_from: date | None = None
    source: str
    fee_bps: int
    fee_payer: str
    state: str = VenueState.OPEN
    version: int = 1
    created_at: datetime = instant()


class Product(SQLModel, table=True):
    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("code", name="product_code_key"),
        CheckConstraint("(zone_id IS NULL) = (scenario_id IS NULL)", name="product_scenario_with_zone"),
        one_of("category", Category, "product"),
        one_of("level", Level, "product"),
        Index("product_maker_idx", "maker_id", "id"),
        Index("product_zone_idx", "zone_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    maker_id: UUID = Field(foreign_key="participant.id")
    zone_id: UUID | None = Field(default=None, foreign_key="zone.id")
    scenario_id: UUID | None = Field(default=None, foreign_key="scenario.id")
    name_zh: str
    name_en: str
    category: str
    level: str
    level_reason: str | None = None
    newest: int = 1
    approved: int | None = None
    version: int = 1
    created_at: datetime = instant()


class ProductVersion(SQLModel, table=True):
    __tablename__ = "product_version"
    __table_args__ = (
        UniqueConstraint("product_id", "number", name="product_version_number_key"),
        CheckConstraint("reviewed_by <> submitted_by", name="product_version_own_review"),
        one_of("state", VersionState, "product_version"),
        one_of("modality", Modality, "product_version"),
        one_of("delivery_form", DeliveryForm, "product_version"),
        one_of("processing", Processing, "product_version"),
    )
    id: UUID = Field(primary_key=True)
    product_id: UUID = Field(foreign_key="product.id")
    number: int
    summary_zh: str
    summary_en: str
    resources: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    modality: str
    delivery_form: str
    processing: str
    quality: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    sample_fields: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = VersionState.DRAFT
    submitted_by: UUID | None = None
    submitted_at: datetime | None = instant(nullable=True)
    reviewed_by: UUID | None = None
    reviewed_at: datetime | None = instant(nullable=True)
    review_reason: str | None = None
    created_at: datetime = instant()


_PUBLISHED = text("state = 'published'")


class Listing(SQLModel, table=True):
    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("price_fen >= 0", name="listing_price_check"),
        CheckConstraint("(price_model = 'free') = (price_fen = 0)", name="listing_free_costs_nothing"),
        CheckConstraint(
            "CASE price_model WHEN 'per_period' THEN coalesce(period_days > 0, false) ELSE period_days IS NULL END",
            name="listing_period_has_days",
        ),
        CheckConstraint(
            "use_class <> 'public_good' OR price_model = 'free'", name="listing_public_good_free"
        ),
        CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name="listing_published_at_check"
        ),
        one_of("state", ListingState, "listing"),
        one_of("price_model", PriceModel, "listing"),
        one_of("use_class", UseClass, "listing"),
        Index(
            "listing_on_sale_key",
            "product_version_id",
            "venue_id",
            "price_model",
            "period_days",
            unique=True,
            postgresql_where=text("state IN ('published', 'suspended')"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("listing_newest_idx", "published_at", "id", postgresql_where=_PUBLISHED),
        Index("listing_price_idx", "price_fen", "id", postgresql_where=_PUBLISHED),
        Index("listing_name_idx", "name_key", "id", postgresql_where=_PUBLISHED),
        Index(
            "listing_search_idx",
            "search",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
            postgresql_where=_PUBLISHED,
        ),
        Index("listing_provider_idx", "provider_id", "id"),
        Index("listing_state_idx", "state", "id"),
    )
    id: UUID = Field(primary_key=True)
    product_id: UUID = Field(foreign_key="product.id", index=True)
    product_version_id: UUID = Field(foreign_key="product_version.id")
    product_code: str
    product_version: int
    provider_id: UUID = Field(foreign_key="participant.id")
    venue_id: UUID = Field(foreign_key="venue.id")
    venue_code: str
    zone_id: UUID | None = Field(default=None, foreign_key="zone.id")
    scenario_id: UUID | None = Field(default=None, foreign_key="scenario.id")
    use_class: str | None = None
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    category: str
    level: str
    modality: str
    delivery_form: str
    price_model: str
    price_fen: int = Field(sa_type=BigInteger)
    period_days: int | None = None
    state: str = ListingState.DRAFT
    held_by_venue: bool = False
    reason: str | None = None
    published_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1
    name_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    phrases: str
    search: str = Field(sa_column=Column(TSVECTOR, nullable=False))


ERRORS: dict[str, type[MarketError]] = {
    "venue_code_key": VenueCodeTaken,
    "venue_qualification_dated": QualificationUndated,
    "venue_operator_id_fkey": ReferenceUnknown,
    "product_code_key": ProductCodeTaken,
    "product_scenario_with_zone": ScenarioMissing,
    "product_zone_id_fkey": ReferenceUnknown,
    "product_scenario_id_fkey": ReferenceUnknown,
    "product_maker_id_fkey": ReferenceUnknown,
    "product_version_own_review": OwnReview,
    "listing_on_sale_key": ListedAlready,
    "listing_free_costs_nothing": PlanFaulty,
    "listing_period_has_days": PlanFaulty,
    "listing_public_good_free": PublicGoodNotFree,
}
