"""What a listing looks like over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from datamarket.catalogue.listings.terms import ListingState, PriceModel
from datamarket.catalogue.products.terms import DeliveryForm, Modality
from datamarket.catalogue.terms import Category
from datamarket.foundation.shapes import RowShape
from datamarket.zones.terms import Level, UseClass


class ListingCard(RowShape):
    """What a page of the catalogue shows of a listing."""

    id: UUID
    product_id: UUID
    product_code: str = Field(examples=["OP-200"])
    product_version: int
    provider_id: UUID
    venue_id: UUID
    venue_code: str = Field(examples=["V-DATA"])
    zone_id: UUID | None
    scenario_id: UUID | None
    use_class: UseClass | None
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    category: Category
    level: Level
    modality: Modality
    delivery_form: DeliveryForm
    price_model: PriceModel
    price_fen: int
    period_days: int | None
    state: ListingState
    published_at: datetime | None
    version: int = Field(description="of this record; see ETag")


class ListingOut(ListingCard):
    """A listing as its provider and its venue see it; `reason` is that of the last event."""

    held_by_venue: bool
    reason: str | None
    created_at: datetime
