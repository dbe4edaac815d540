"""Words of a trade."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NamedTuple
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.terms import ChargeKind
from datamarket.contracts.limits.terms import UNSAID, Operands
from datamarket.contracts.terms import FrozenTerms, Purpose
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Labelled
from datamarket.ledger.terms import Leg


class TradeState(Labelled):
    """A trade is settled when it is recorded; refunds move it on."""

    SETTLED = "settled", "已结算", "settled"
    PARTLY_REFUNDED = "partly_refunded", "部分退款", "partly refunded"
    REFUNDED = "refunded", "全额退款", "refunded"


@dataclass(frozen=True)
class Bracket:
    """Marginal shares of what lies above a threshold."""

    above: Fen
    supplying: Fraction
    operator: Fraction


@dataclass(frozen=True, eq=False)
class RevenueRule:
    """A dated rule of how one sale is divided; read once, so each is itself and no other."""

    id: str
    valid_from: date
    valid_to: date | None
    vat_rate: Fraction
    brackets: tuple[Bracket, ...]

    @cached_property
    def vat_inside(self) -> Fraction:
        """The tax's share of a price that includes it."""
        return self.vat_rate / (1 + self.vat_rate)

    @cached_property
    def unit(self) -> int:
        """One fen in the whole units in which every bracket's shares are whole numbers."""
        shares = (share for bracket in self.brackets for share in (bracket.supplying, bracket.operator))
        return lcm(*(share.denominator for share in shares))

    @cached_property
    def slices(self) -> tuple[tuple[int, int | None, int, int], ...]:
        """Each bracket as (above, up to, supplying units' share, operator's share), the shares in `unit`."""
        ceilings = [bracket.above for bracket in self.brackets[1:]]
        return tuple(
            (bracket.above, ceiling, int(bracket.supplying * self.unit), int(bracket.operator * self.unit))
            for bracket, ceiling in zip(self.brackets, [*ceilings, None], strict=True)
        )


class Split(NamedTuple):
    """The parts of one sale, in fen; they add up to the gross."""

    vat_fen: Fen
    venue_fee_fen: Fen
    supplying_fen: Fen
    operator_fen: Fen
    provider_fen: Fen

    @property
    def gross_fen(self) -> int:
        return sum(self)


@dataclass(frozen=True, eq=False)
class Sale:
    """What so many units under a contract come to: the gross amount, its parts by a rule, and the legs that settle it.

    Remembered by `rules.sale`: equal sales are mostly one object, so a batch tells each of them once.
    """

    terms: FrozenTerms
    quantity: int
    amount_fen: Fen
    split: Split
    legs: tuple[Leg, ...]
    revenue_rule: str


class TradeIntent(NamedTuple):
    """What a buyer asks for: units under a contract, now; or, as the seller may too, the price of a metered use."""

    actor: Actor
    contract_id: UUID
    purpose: Purpose | None
    quantity: int | None
    use_id: UUID | None
    occurred_at: datetime
    by_seller: bool = False
    operands: Operands = UNSAID


class PricedUse(NamedTuple):
    """What the price of a use follows from; a `fee` is a use of no units, `at` the first instant of its period."""

    contract_id: UUID
    quantity: int
    at: datetime
    terms_number: int
    fee: ChargeKind | None = None


class Trade(NamedTuple):
    """A recorded trade: what is its own, and the sale that it is."""

    id: UUID
    use_id: UUID
    sold: Sale
    occurred_at: datetime
    recorded_at: datetime

    @property
    def contract_id(self) -> UUID:
        return self.sold.terms.contract_id

    @property
    def amount_fen(self) -> Fen:
        return self.sold.amount_fen

    @property
    def split(self) -> Split:
        return self.sold.split
