"""The lives of venues, versions and listings, pair by pair; their words in both languages."""

from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.listings.terms import ListingEvent, ListingState, PriceModel
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products.terms import (
    DeliveryForm,
    Modality,
    ProductEvent,
    VersionState,
)
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.catalogue.venues.terms import VenueEvent, VenueState
from datamarket.foundation.states import Life, TransitionNotAllowed

VERSION_STEPS = (
    "draft-submit>submitted returned-submit>submitted submitted-return>returned"
    " submitted-approve>approved submitted-reject>rejected approved-retire>retired approved-recall>recalled recalled-reinstate>approved"
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
