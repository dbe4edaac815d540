"""Words of listings: states, price plans, and the offer that a contract is made upon."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Self
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
    PER_VOLUME = "per_volume", "按量计费", "per volume"
    TWO_PART = "two_part", "两部制（基本费加用量费）", "two-part: a basic fee and uses"
    GRADUATED = "graduated", "阶梯计费", "graduated"
    PACKAGE = "package", "套餐包计费", "by package"
    ONE_OFF = "one_off", "一次性买断", "one-off"
    FREE = "free", "免费", "free"


TIERED_MODELS = frozenset({PriceModel.GRADUATED, PriceModel.PACKAGE})
NOTHING = Fen(0)


class ChargeKind(Labelled):
    """What a line of a price is for."""

    USES = "uses", "用量", "uses"
    CAP = "cap", "月度封顶减免", "above the month's cap"
    CHARGED = "charged", "本月已计费抵扣", "charged in this month before"
    BASIC = "basic", "年度基本费", "yearly basic fee"
    MINIMUM = "minimum", "月度最低消费", "the month's minimum"


class PriceTier(NamedTuple):
    """What `units` cost above so many used in a month; below the first tier the plan's own price holds."""

    above: int
    price_fen: Fen


@dataclass(frozen=True)
class PricePlan:
    """How a listing is paid. `price_fen` is the price of `units`: free costs nothing, and only a period has days.

    Tiers, minimum and cap count by the month of the business calendar; the basic fee is for a year of the contract.
    """

    model: PriceModel
    price_fen: Fen
    period_days: int | None = None
    units: int = 1
    tiers: tuple[PriceTier, ...] = ()
    basic_fen: Fen = NOTHING
    minimum_fen: Fen = NOTHING
    cap_fen: Fen | None = None

    @property
    def terms(self) -> dict[str, Any] | None:
        """All beside model, price and days, as it is stored; None where a price is units times price."""
        plain = PricePlan(self.model, self.price_fen, self.period_days)
        if self == plain and self.model not in TIERED_MODELS:
            return None
        return {
            "units": self.units,
            "tiers": [tier._asdict() for tier in self.tiers],
            "basic_fen": self.basic_fen,
            "minimum_fen": self.minimum_fen,
            "cap_fen": self.cap_fen,
        }

    @cached_property
    def counts(self) -> bool:
        """Whether a price depends on what was used in the month before it."""
        return self.terms is not None

    @classmethod
    def stored(
        cls, model: str, price_fen: int, period_days: int | None, terms: Mapping[str, Any] | None
    ) -> Self:
        """The plan that the columns of a listing or a contract hold."""
        tiers = tuple(PriceTier(**tier) for tier in (terms or {}).get("tiers", ()))
        return cls(PriceModel(model), Fen(price_fen), period_days, **{**(terms or {}), "tiers": tiers})


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
