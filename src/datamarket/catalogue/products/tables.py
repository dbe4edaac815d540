"""Rows of products and of their versions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from datamarket.catalogue.products.rules import OwnReview
from datamarket.catalogue.products.terms import DeliveryForm, Modality, Processing, VersionState
from datamarket.catalogue.rules import CatalogueReferenceUnknown
from datamarket.catalogue.terms import Category
from datamarket.foundation.errors import Conflict, Invalid, MarketError
from datamarket.foundation.tables import ARRAY, JSONB, instant, one_of
from datamarket.zones.terms import Level


class ProductCodeTaken(Conflict):
    code = "product.code-taken"
    zh = "该产品编码已被使用。"
    en = "This product code is taken."


class ScenarioMissing(Invalid):
    code = "product.scenario-missing"
    zh = "专区产品须同时注明专区与场景；自有数据产品两者皆不填。"
    en = "A zone's product names both zone and scenario; a product of own data names neither."


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
        Index(
            "product_version_submitted_idx",
            "submitted_at",
            "id",
            postgresql_where=text("state = 'submitted'"),
        ),
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


ERRORS: dict[str, type[MarketError]] = {
    "product_code_key": ProductCodeTaken,
    "product_scenario_with_zone": ScenarioMissing,
    "product_zone_id_fkey": CatalogueReferenceUnknown,
    "product_scenario_id_fkey": CatalogueReferenceUnknown,
    "product_maker_id_fkey": CatalogueReferenceUnknown,
    "product_version_own_review": OwnReview,
}
