"""Price plans, and who may move a listing."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent, PriceModel, PricePlan, PriceTier
from datamarket.foundation.errors import Invalid
from datamarket.foundation.money import Fen
from datamarket.zones.terms import UseClass
from tests.world.people import actor

NEEDS = {PriceModel.TWO_PART, PriceModel.GRADUATED, PriceModel.PACKAGE}
"""Models that are nothing without a term of their own."""
MAKER, OTHER, OPERATOR = (UUID(int=number) for number in (1, 2, 3))


@given(st.sampled_from(sorted({*PriceModel} - {*NEEDS})), st.integers(0, 3), st.none() | st.integers(1, 365))
def test_a_plan_holds_when_only_free_costs_nothing_and_only_a_period_has_days(
    model: PriceModel, price: int, days: int | None
) -> None:
    holds = (model is PriceModel.FREE) == (price == 0) and (model is PriceModel.PER_PERIOD) == bool(days)
    plan = PricePlan(model, Fen(price), days)
    if not holds:
        with pytest.raises(listing_rules.PlanFaulty):
            listing_rules.check_plan(plan, None)
        return
    listing_rules.check_plan(plan, UseClass.INDUSTRY)
    if model is not PriceModel.FREE:
        with pytest.raises(listing_rules.PublicGoodNotFree):
            listing_rules.check_plan(plan, UseClass.PUBLIC_GOOD)


def tiers(*above: int, price: int = 5) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(one, Fen(price)) for one in above)


@pytest.mark.parametrize(
    ("code", "model", "stated"),
    [
        ("listing.plan-term-misplaced", PriceModel.PER_CALL, {"basic_fen": 1}),
        ("listing.plan-term-misplaced", PriceModel.PER_VOLUME, {"tiers": tiers(10)}),
        ("listing.plan-term-misplaced", PriceModel.ONE_OFF, {"cap_fen": 0}),
        ("listing.plan-term-misplaced", PriceModel.ONE_OFF, {"units": 2}),
        ("listing.plan-term-missing", PriceModel.TWO_PART, {"cap_fen": 9}),
        ("listing.plan-term-missing", PriceModel.GRADUATED, {"units": 2}),
        ("listing.plan-term-missing", PriceModel.PACKAGE, {"tiers": tiers(10)}),
        ("listing.plan-negative", PriceModel.PER_CALL, {"minimum_fen": -1}),
        ("listing.plan-negative", PriceModel.PER_CALL, {"units": 0}),
        ("listing.plan-negative", PriceModel.GRADUATED, {"tiers": tiers(10, price=-1)}),
        ("listing.tiers-disordered", PriceModel.GRADUATED, {"tiers": tiers(0)}),
        ("listing.tiers-disordered", PriceModel.GRADUATED, {"tiers": tiers(10, 10)}),
        ("listing.tiers-disordered", PriceModel.PACKAGE, {"units": 5, "tiers": tiers(20, 10)}),
        ("listing.tier-not-whole", PriceModel.PACKAGE, {"units": 5, "tiers": tiers(12)}),
        ("listing.cap-below-minimum", PriceModel.PER_CALL, {"minimum_fen": 10, "cap_fen": 9}),
    ],
)
def test_each_plan_that_does_not_hold_has_a_refusal_of_its_own(
    code: str, model: PriceModel, stated: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refused:
        listing_rules.check_plan(PricePlan(model, Fen(7), **stated), None)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "plan",
    [
        PricePlan(PriceModel.PER_VOLUME, Fen(7), units=1_000),
        PricePlan(PriceModel.TWO_PART, Fen(7), basic_fen=Fen(100), minimum_fen=Fen(9), cap_fen=Fen(9)),
        PricePlan(PriceModel.GRADUATED, Fen(7), tiers=tiers(10, 20, price=0)),
        PricePlan(PriceModel.PACKAGE, Fen(7), units=5, tiers=tiers(10)),
    ],
)
def test_plans_with_terms_hold_and_are_read_as_they_are_stored(plan: PricePlan) -> None:
    listing_rules.check_plan(plan, UseClass.INDUSTRY)
    assert plan.counts
    assert PricePlan.stored(plan.model, plan.price_fen, None, plan.terms) == plan


@pytest.mark.parametrize("event", ListingEvent)
@pytest.mark.parametrize("held", [False, True])
def test_who_may_move_a_listing(event: ListingEvent, *, held: bool) -> None:
    def may(who: Actor) -> bool:
        return listing_rules.may_move_listing(
            who, event, provider_id=MAKER, venue_operator_id=OPERATOR, held_by_venue=held
        )

    decisions = {ListingEvent.PUBLISH, ListingEvent.RETURN}
    assert may(actor(Role.AUTHORITY)) is (event is not ListingEvent.SUBMIT)
    assert may(actor(Role.OPERATOR, organisation=OPERATOR)) is (event is not ListingEvent.SUBMIT)
    kept = event in decisions or (held and event is ListingEvent.RESUME)
    assert may(actor(Role.PROVIDER, organisation=MAKER)) is not kept
    for stranger in (actor(Role.PROVIDER, organisation=OTHER), actor(Role.BUYER, organisation=MAKER)):
        assert not may(stranger)


def test_a_venue_does_not_decide_on_what_it_sells_itself() -> None:
    both = actor(Role.PROVIDER, Role.OPERATOR, organisation=OPERATOR)
    assert not listing_rules.may_decide(both, provider_id=OPERATOR, venue_operator_id=OPERATOR)
