"""Words of the simulation: who buys and sells, what is on the shelf, and who hears how far a year has come."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.foundation.states import Labelled


class Stage(Labelled):
    """What is being loaded or played."""

    CITY = "city", "城市数据", "the city"
    ADMIT = "admit", "企业准入", "admissions"
    OFFER = "offer", "产品上架", "offers"
    CONTRACT = "contract", "合同", "contracts"
    TRADE = "trade", "交易", "trades"
    REFUND = "refund", "退款", "refunds"


OFFICES = {
    "authority": Role.AUTHORITY,
    "authority2": Role.AUTHORITY,
    "authority3": Role.AUTHORITY,
    "finance": Role.FINANCE,
    "finance2": Role.FINANCE,
    "reviewer": Role.REVIEWER,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMIN,
}
"""The public bodies' accounts, by username."""
Heard = Callable[[Stage, int], None]
"""Told of each stage how many more are done."""


@dataclass(frozen=True)
class Enterprise:
    """Somebody who buys and sells."""

    id: UUID
    uscc: str
    actor: Actor
    in_city: bool


@dataclass(frozen=True)
class Shelf:
    """One published listing."""

    listing_id: UUID
    provider: str
    model: PriceModel
    price_fen: int
    qualified: bool
    public_good: bool
    own_data: bool

    @property
    def counts_by_use(self) -> bool:
        """Sold by the call, on a venue whose trades count for the subsidy."""
        return self.model is PriceModel.PER_CALL and self.qualified


@dataclass(frozen=True)
class Affiliated:
    """Two enterprises, one of which controls the other."""

    controller: str
    controlled: str
