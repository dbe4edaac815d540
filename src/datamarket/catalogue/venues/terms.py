"""Words of venues: kinds, states, terms."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from datamarket.foundation.states import Labelled


class VenueKind(Labelled):
    DATA_EXCHANGE = "data_exchange", "大数据交易平台", "big-data exchange"
    OCEAN_EXCHANGE = "ocean_exchange", "海洋数据交易平台", "ocean-data exchange"
    COPYRIGHT_EXCHANGE = "copyright_exchange", "版权交易平台", "copyright exchange"
    COMPUTE = "compute", "算力交易平台", "compute trading platform"
    HOUSING = "housing", "房产数据平台", "housing-data platform"


class VenueState(Labelled):
    OPEN = "open", "营业", "open"
    CLOSED = "closed", "停业", "closed"


class VenueEvent(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"


class FeePayer(Labelled):
    """Who bears the venue's fee."""

    SELLER = "seller", "卖方承担", "seller"
    BUYER = "buyer", "买方承担", "buyer"
    SPLIT = "split", "双方分担", "split"


@dataclass(frozen=True)
class VenueTerms:
    """Upon what a venue works: its names, its fee, and from when until when it counts for the subsidy (never: None).

    `source` says on whose word it counts, or does not. On `qualified_to` it counts no more; what was sold before does.
    """

    name_zh: str
    name_en: str
    qualified_from: date | None
    source: str
    fee_bps: int
    fee_payer: FeePayer
    qualified_to: date | None = None
