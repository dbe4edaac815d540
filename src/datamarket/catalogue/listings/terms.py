"""Words of listings: states, price plans, and the offer that a contract is made upon."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues.terms import FeePayer
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Labelled
from datamarket.participants.terms import IncomeClass
from datamarket.zones.terms import UseClass


class ListingState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "待上架", "awaiting publication"
    PUBLISHED = "published", "已挂牌", "published"
    SUSPENDED = "suspended", "暂停挂牌", "suspended"
    DELISTED = "delisted", "已摘牌", "delisted"


class ListingEvent(StrEnum):
    SUBMIT = "submit"
    PUBLISH = "publish"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELIST = "delist"


class PriceModel(Labelled):
    PER_CALL = "per_call", "按次计费", "per call"
    PER_PERIOD = "per_period", "按期计费", "per period"
    ONE_OFF = "one_off", "一次性买断", "one-off"
    FREE = "free", "免费", "free"


@dataclass(frozen=True)
class PricePlan:
    """How a listing is paid: free costs nothing, and only a period has days."""

    model: PriceModel
    price_fen: Fen
    period_days: int | None = None


@dataclass(frozen=True)
class Supplier:
    """A public body whose resources a product stands on, and where its income goes."""

    participant_id: UUID
    income_class: IncomeClass


@dataclass(frozen=True)
class Offer:
    """All that a contract needs to know of a published listing, as it stands now."""

    listing_id: UUID
    product_id: UUID
    product_version: int
    provider_id: UUID
    venue_id: UUID
    venue_operator_id: UUID
    venue_fee_bps: int
    zone_id: UUID | None
    operator_id: UUID | None
    use_class: UseClass | None
    suppliers: tuple[Supplier, ...]
    plan: PricePlan
    category: Category
    venue_fee_payer: FeePayer = FeePayer.SELLER
