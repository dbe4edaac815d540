"""Rows of listings, with what a search finds them by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from datamarket.catalogue.listings.rules import PlanFaulty, PublicGoodNotFree
from datamarket.catalogue.listings.terms import ListingState, PriceModel
from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of
from datamarket.zones.terms import UseClass


class ListedAlready(Conflict):
    code = "listing.listed-already"
    zh = "该产品版本已在此平台按相同计价方式挂牌；如需新价格，请先摘牌。"
    en = (
        "This version is already listed on this venue with that price model; delist it first for a new price."
    )


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
            "price_terms IS NOT NULL OR price_model NOT IN ('two_part', 'graduated', 'package')",
            name="listing_terms_check",
        ),
        CheckConstraint(
            "use_class <> 'public_good' OR price_model = 'free'", name="listing_public_good_free"
        ),
        CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name="listing_published_at_check"
        ),
        CheckConstraint("stopped_by IS NULL OR state = 'suspended'", name="listing_stopped_check"),
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
        Index(
            "listing_tariff_idx",
            "zone_id",
            "id",
            postgresql_where=text("state = 'published' AND zone_id IS NOT NULL"),
        ),
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
    stopped_by: str | None = None
    price_terms: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))


ERRORS: dict[str, type[MarketError]] = {
    "listing_on_sale_key": ListedAlready,
    "listing_free_costs_nothing": PlanFaulty,
    "listing_period_has_days": PlanFaulty,
    "listing_terms_check": PlanFaulty,
    "listing_public_good_free": PublicGoodNotFree,
}
