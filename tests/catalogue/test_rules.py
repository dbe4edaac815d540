"""The lives of venues, versions and listings, pair by pair; who may move them; price plans; levels."""

from enum import StrEnum
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent, ListingState, PriceModel, PricePlan
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Modality,
    Processing,
    ProductEvent,
    VersionState,
)
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.catalogue.venues.terms import VenueEvent, VenueState
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Life, TransitionNotAllowed
from datamarket.zones.terms import Level, UseClass
from tests.world.people import actor

MAKER, OTHER, OPERATOR = (UUID(int=number) for number in (1, 2, 3))
VERSION_STEPS = (
    "draft-submit>submitted returned-submit>submitted submitted-return>returned"
    " submitted-approve>approved submitted-reject>rejected approved-retire>retired"
)
LISTING_STEPS = (
    "draft-submit>submitted draft-delist>delisted submitted-publish>published submitted-return>draft"
    " submitted-delist>delisted published-suspend>suspended published-delist>delisted"
    " suspended-resume>published suspended-delist>delisted"
)
LIVES: list[tuple[Any, type[StrEnum], type[StrEnum], str]] = [
    (venue_rules.VENUE_LIFE, VenueState, VenueEvent, "open-close>closed closed-reopen>open"),
    (product_rules.VERSION_LIFE, VersionState, ProductEvent, VERSION_STEPS),
    (listing_rules.LISTING_LIFE, ListingState, ListingEvent, LISTING_STEPS),
]


@pytest.mark.parametrize(("life", "states", "events", "said"), LIVES)
def test_every_pair_of_state_and_event_is_either_said_here_or_refused(
    life: Life[StrEnum, StrEnum],
    states: type[StrEnum],
    events: type[StrEnum],
    said: str,
) -> None:
    expected = {}
    for step in said.split():
        move, _, after = step.partition(">")
        state, _, event = move.partition("-")
        expected[states(state), events(event)] = states(after)
    for state, event in product(states, events):
        if (state, event) in expected:
            assert life.after(state, event) is expected[state, event]
            assert event in life.open_in(state)
        else:
            with pytest.raises(TransitionNotAllowed):
                life.after(state, event)


def test_what_has_ended_stays_ended() -> None:
    assert listing_rules.LISTING_LIFE.open_in(ListingState.DELISTED) == []
    assert product_rules.VERSION_LIFE.open_in(VersionState.RETIRED) == []
    assert product_rules.VERSION_LIFE.open_in(VersionState.REJECTED) == []


def test_every_state_and_kind_has_a_word_in_both_languages() -> None:
    for kind in (VenueState, VersionState, ListingState, PriceModel, Category, Modality, DeliveryForm):
        assert all(zh and en for zh, en in (word.labels for word in kind))


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


@given(st.sampled_from(Level), st.lists(st.sampled_from(Level)), st.none() | st.just("re-assessed"))
def test_a_product_is_as_sensitive_as_its_most_sensitive_resource_unless_reassessed(
    level: Level, resources: list[Level], record: str | None
) -> None:
    ranks = list(Level)
    if record is None and any(ranks.index(resource) > ranks.index(level) for resource in resources):
        with pytest.raises(product_rules.LevelTooLow):
            product_rules.check_level(level, resources, record)
    else:
        product_rules.check_level(level, resources, record)


def test_raw_data_is_sold_only_by_who_owns_it() -> None:
    own = Content("原始观测", "raw", Modality.TEXT, DeliveryForm.DATASET, processing=Processing.RAW)
    product_rules.check_content(own, of_zone=False)
    with pytest.raises(product_rules.ResourcesMissing):
        product_rules.check_content(own, of_zone=True)
    public = Content("原始", "raw", Modality.TEXT, DeliveryForm.DATASET, (MAKER,), Processing.RAW)
    with pytest.raises(product_rules.RawPublicData):
        product_rules.check_content(public, of_zone=True)
    with pytest.raises(product_rules.ResourcesMissing):
        product_rules.check_content(public, of_zone=False)


@pytest.mark.parametrize("event", ProductEvent)
def test_reviews_are_for_reviewers_of_another_house_and_the_rest_for_the_maker(event: ProductEvent) -> None:
    everything = (Role.PROVIDER, Role.REVIEWER)
    of_maker, elsewhere = actor(*everything, organisation=MAKER), actor(*everything, organisation=OTHER)
    assert product_rules.may_move_product(elsewhere, event, maker_id=MAKER) is (
        event in product_rules.REVIEWS
    )
    assert product_rules.may_move_product(of_maker, event, maker_id=MAKER) is (
        event not in product_rules.REVIEWS
    )
    assert not product_rules.may_move_product(actor(Role.BUYER, organisation=MAKER), event, maker_id=MAKER)


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
