"""Price plans: however a quantity is cut, a month costs the same; and as a slow reading of the plan has it."""

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from datamarket.catalogue.listings.pricing import (
    MonthSoFar,
    minimum_due,
    most,
    price_uses,
    whole_months,
    years_begun,
)
from datamarket.catalogue.listings.rules import check_plan
from datamarket.catalogue.listings.terms import ChargeKind, PriceModel, PricePlan, PriceTier
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.money import Fen

COUNTED = [
    PriceModel.PER_CALL,
    PriceModel.PER_VOLUME,
    PriceModel.TWO_PART,
    PriceModel.GRADUATED,
    PriceModel.PACKAGE,
]
PARTS = st.lists(st.integers(1, 30), min_size=1, max_size=8)
DAYS = st.datetimes(datetime(2023, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=MARKET_ZONE))  # noqa: DTZ001 - the zone follows


@st.composite
def plans(draw: st.DrawFn) -> PricePlan:
    """Any plan that prices uses and holds."""
    model = draw(st.sampled_from(COUNTED))
    units = draw(st.integers(2 if model is PriceModel.PACKAGE else 1, 7))
    step = units if model is PriceModel.PACKAGE else 1
    gaps = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    tiered = model in {PriceModel.GRADUATED, PriceModel.PACKAGE}
    minimum = draw(st.integers(0, 50))
    plan = PricePlan(
        model,
        Fen(draw(st.integers(1, 40))),
        units=units,
        tiers=tuple(PriceTier(n * step, Fen(draw(st.integers(0, 40)))) for n in accumulate(gaps))
        if tiered
        else (),
        basic_fen=Fen(100 if model is PriceModel.TWO_PART else 0),
        minimum_fen=Fen(minimum),
        cap_fen=draw(st.none() | st.integers(max(1, minimum), 400).map(Fen)),
    )
    check_plan(plan, None)
    return plan


def slowly(plan: PricePlan, units: int) -> int:
    """Unit by unit, as the price list reads."""
    exact = Fraction(0)
    for before in range(units):
        begun = [(0, plan.price_fen), *((tier.above, tier.price_fen) for tier in plan.tiers)]
        above, price = [tier for tier in begun if tier[0] <= before][-1]
        if plan.model is PriceModel.PACKAGE:
            exact += price if (before - above) % plan.units == 0 else 0
        else:
            exact += Fraction(price, plan.units)
    amount = floor(exact + Fraction(1, 2))
    return amount if plan.cap_fen is None else min(amount, plan.cap_fen)


def charged(plan: PricePlan, parts: list[int]) -> MonthSoFar:
    """One month, use by use."""
    month = MonthSoFar()
    for quantity in parts:
        amount = price_uses(plan, month, quantity).amount_fen
        month = MonthSoFar(month.units + quantity, month.charged_fen + amount)
    return month


@given(plans(), PARTS)
def test_a_month_costs_the_same_however_it_is_cut_and_as_the_price_list_reads(
    plan: PricePlan, parts: list[int]
) -> None:
    assert charged(plan, parts) == charged(plan, [sum(parts)])
    assert charged(plan, parts).charged_fen == slowly(plan, sum(parts))


@given(plans(), PARTS)
def test_a_month_stays_within_its_cap_and_pays_its_minimum_also_with_uses_that_come_late(
    plan: PricePlan, parts: list[int]
) -> None:
    month = charged(plan, parts)
    closed = month.charged_fen + minimum_due(plan, month)
    assert closed == max(month.charged_fen, plan.minimum_fen)
    late = price_uses(plan, MonthSoFar(month.units, closed), parts[0]).amount_fen
    assert closed + late == max(closed, slowly(plan, month.units + parts[0]))
    assert plan.cap_fen is None or closed + late <= plan.cap_fen


@given(plans(), st.integers(0, 60), st.integers(0, 30), st.integers(0, 30))
def test_more_never_costs_less_and_no_more_than_is_held(
    plan: PricePlan, used: int, quantity: int, more: int
) -> None:
    so_far = MonthSoFar(used, slowly(plan, used))
    priced, longer = price_uses(plan, so_far, quantity), price_uses(plan, so_far, quantity + more)
    assert 0 <= priced.amount_fen <= longer.amount_fen
    assert priced.amount_fen <= most(plan, quantity)
    assert sum(line.amount_fen for line in priced.lines) == priced.amount_fen
    assert sum(line.units for line in priced.lines if line.kind is ChargeKind.USES) == quantity


@given(st.sampled_from([PriceModel.FREE, PriceModel.ONE_OFF, PriceModel.PER_PERIOD]), st.integers(1, 10**9))
def test_a_plain_plan_costs_its_units_and_a_free_one_nothing(model: PriceModel, quantity: int) -> None:
    plan = PricePlan(model, Fen(0 if model is PriceModel.FREE else 3))
    assert not plan.counts
    assert (
        price_uses(plan, MonthSoFar(), quantity).amount_fen
        == most(plan, quantity)
        == plan.price_fen * quantity
    )


@given(DAYS, st.integers(1, 2_000))
def test_years_and_whole_months_of_a_term_are_those_that_a_calendar_shows(
    begins: datetime, days: int
) -> None:
    ends = begins + timedelta(days=days)
    midnights = [
        begins.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in range(days + 2)
    ]
    firsts = [day for day in midnights if day.day == 1 and begins <= day <= ends]
    assert whole_months(begins, ends) == max(0, len(firsts) - 1)
    assert 0 <= years_begun(begins, ends) - days / 365.2425 < 1.01
