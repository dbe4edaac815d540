"""What a listing looks like over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from datamarket.catalogue.listings.terms import ListingState, PriceModel
from datamarket.catalogue.products.terms import DeliveryForm, Modality
from datamarket.catalogue.terms import Category
from datamarket.foundation.http import Shape
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


class TierOut(Shape):
    above: int = Field(description="units used in the month, above which this price holds", examples=[10_000])
    price_fen: int = Field(examples=[80])


class PriceTermsOut(Shape):
    """What a price plan says beside its price; tiers, minimum and cap count by the month."""

    units: int = Field(description="what each price is the price of; a package's size", examples=[1])
    tiers: list[TierOut]
    basic_fen: int = Field(description="for each year of the contract")
    minimum_fen: int = Field(description="for each whole month of the term")
    cap_fen: int | None = Field(description="what the uses of a month cost at most")


class ListingOut(ListingCard):
    """A listing as its provider and its venue see it; `reason` is that of the last event."""

    price_terms: PriceTermsOut | None = Field(description="null where a use costs its units times the price")
    held_by_venue: bool
    reason: str | None
    created_at: datetime
