"""Price plans, and who may move a listing."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent, PriceModel, PricePlan
from datamarket.foundation.money import Fen
from datamarket.zones.terms import UseClass
from tests.world.people import actor

MAKER, OTHER, OPERATOR = (UUID(int=number) for number in (1, 2, 3))


@given(st.sampled_from(PriceModel), st.integers(0, 3), st.none() | st.integers(1, 365))
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
