"""What uses under a price plan come to: one exact rule for every model, rounded once to the fen, half up.

A month's charge is a function of what was used in it; a use costs by how much it grows. So it makes no difference
into how many parts a quantity is cut, and a refund changes nothing that comes after it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from datamarket.catalogue.ceilings.terms import CeilingUnit, UnitPrice
from datamarket.catalogue.listings.terms import ChargeKind, PriceModel, PricePlan
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.money import Fen, apply_rate

MONTHS_A_YEAR = 12


class MonthSoFar(NamedTuple):
    """What was used under a contract in a month, and charged for it, refunded or not."""

    units: int = 0
    charged_fen: int = 0


class PriceLine(NamedTuple):
    """A part of a price: so many units at the price of the plan's `units`, or a fee, or what is taken off."""

    kind: ChargeKind
    units: int
    price_fen: int
    amount_fen: int


class Priced(NamedTuple):
    """An amount and the lines that add up to it."""

    amount_fen: Fen
    lines: tuple[PriceLine, ...]


def price_uses(plan: PricePlan, so_far: MonthSoFar, quantity: int) -> Priced:
    """So many units more in a month: what the month comes to then, less what was charged before; never below zero."""
    first, last = so_far.units, so_far.units + quantity
    cuts = [first, *(tier.above for tier in plan.tiers if first < tier.above < last), last]
    lines = [
        PriceLine(
            ChargeKind.USES, upto - begun, _price_above(plan, begun), owed(plan, upto) - owed(plan, begun)
        )
        for begun, upto in pairwise(cuts)
    ]
    due = capped(plan, last) - capped(plan, first)
    amount = max(0, capped(plan, last) - so_far.charged_fen)
    off = {ChargeKind.CAP: due - sum(line.amount_fen for line in lines), ChargeKind.CHARGED: amount - due}
    lines += [PriceLine(kind, 0, 0, taken) for kind, taken in off.items() if taken]
    return Priced(Fen(amount), tuple(lines))


def owed(plan: PricePlan, units: int) -> Fen:
    """What the first so many units of a month cost, before its cap: each tier at its price, begun packages whole."""
    total = 0
    edges = [0, *(tier.above for tier in plan.tiers if tier.above < units), units]
    for begun, upto in pairwise(edges):
        within = upto - begun
        if plan.model is PriceModel.PACKAGE:
            within = -(-within // plan.units) * plan.units
        total += within * _price_above(plan, begun)
    return apply_rate(Fen(total), Fraction(1, plan.units))


def capped(plan: PricePlan, units: int) -> Fen:
    """The same, at most the month's cap."""
    return owed(plan, units) if plan.cap_fen is None else min(owed(plan, units), plan.cap_fen)


def minimum_due(plan: PricePlan, so_far: MonthSoFar) -> Fen:
    """What is lacking of the minimum when a month is over."""
    return Fen(max(0, plan.minimum_fen - so_far.charged_fen))


def most(plan: PricePlan, quantity: int) -> Fen:
    """What so many units cost at most, whatever was used before: each begun `units` at the dearest price."""
    dearest = max([plan.price_fen, *(tier.price_fen for tier in plan.tiers)])
    amount = Fen(-(-quantity // plan.units) * dearest)
    return amount if plan.cap_fen is None else min(amount, plan.cap_fen)


_UNITS = {
    PriceModel.PER_CALL: {CeilingUnit.CALL},
    PriceModel.PER_VOLUME: {CeilingUnit.VOLUME},
    PriceModel.PER_PERIOD: {CeilingUnit.PERIOD},
    PriceModel.ONE_OFF: {CeilingUnit.PRODUCT},
}
DAYS_OF_BASIC_FEE = 365
"""A basic fee is for a year of the contract, and counts against a ceiling by the day."""


def unit_prices(plan: PricePlan) -> list[UnitPrice]:
    """What a plan costs by the unit at its dearest; the uses of a plan with terms are calls, or volume."""
    dearest = max([plan.price_fen, *(tier.price_fen for tier in plan.tiers)])
    units = _UNITS.get(plan.model, {CeilingUnit.CALL, CeilingUnit.VOLUME})
    prices = [UnitPrice(units, dearest, plan.period_days or plan.units)]
    if plan.basic_fen:
        prices.append(UnitPrice({CeilingUnit.PERIOD}, plan.basic_fen, DAYS_OF_BASIC_FEE))
    return prices


def _price_above(plan: PricePlan, units: int) -> Fen:
    return next((tier.price_fen for tier in reversed(plan.tiers) if tier.above <= units), plan.price_fen)


def years_begun(term_from: datetime, term_to: datetime) -> int:
    """Years of a contract that begin within its term: on its first day, and on the same day of each later year."""
    local = term_from.astimezone(MARKET_ZONE)
    year = 1
    while _anniversary(local, year) < term_to:
        year += 1
    return year


def _anniversary(first: datetime, years: int) -> datetime:
    """As PostgreSQL adds years: the 29th of February is followed by the 28th."""
    try:
        return first.replace(year=first.year + years)
    except ValueError:
        return first.replace(year=first.year + years, day=28)


def whole_months(term_from: datetime, term_to: datetime) -> int:
    """Months of the calendar that lie wholly within a term: only they have a minimum."""
    return max(0, sum(1 for _ in _months(term_from, term_to)) - 1)


def _months(term_from: datetime, term_to: datetime) -> Iterator[datetime]:
    """First instants of months within a term, its end included."""
    local = (term_from.astimezone(MARKET_ZONE) - timedelta(microseconds=1)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    while True:
        month = local.year * MONTHS_A_YEAR + local.month
        local = local.replace(year=month // MONTHS_A_YEAR, month=month % MONTHS_A_YEAR + 1)
        if local > term_to:
            return
        yield local
