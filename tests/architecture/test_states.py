"""A state machine is one table: each pair moves or is refused by name, and each state has two labels."""

import itertools
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import pytest

from datamarket.catalogue.listings import rules as listing_rules
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.venues import rules as venue_rules
from datamarket.contracts import rules as contracts
from datamarket.foundation.labels import Labelled
from datamarket.foundation.states import TransitionNotAllowed, allowed_events, next_state
from datamarket.ledger.cities import rules as city_rules
from datamarket.ledger.holds import rules as hold_rules
from datamarket.ledger.periods import rules as period_rules
from datamarket.participants import rules as participants
from datamarket.payouts import rules as payouts
from datamarket.subsidy.register import rules as register_rules
from datamarket.subsidy.runs import rules as run_rules
from datamarket.trading.orders import rules as order_rules
from datamarket.zones import rules as zones
from datamarket.zones.resources import rules as resource_rules

TABLES: dict[str, Mapping[tuple[Any, Any], Any]] = {
    "participant": participants.ADMISSION,
    "zone": zones.ZONE_LIFE,
    "resource": resource_rules.REGISTRATION,
    "venue": venue_rules.VENUE_LIFE,
    "version": product_rules.VERSION_LIFE,
    "listing": listing_rules.LISTING_LIFE,
    "contract": contracts.CONTRACT_EVENTS,
    "order": order_rules.ORDER_EVENTS,
    "hold": hold_rules.HOLD_EVENTS,
    "period": period_rules.PERIOD_EVENTS,
    "city transfer": city_rules.TRANSFER_EVENTS,
    "payout_batch": payouts.BATCH_LIFE,
    "payout": payouts.PAYOUT_LIFE,
    "run": run_rules.RUN_EVENTS,
    "scheme": register_rules.SCHEME_EVENTS,
}


def every_pair() -> Iterator[tuple[str, StrEnum, StrEnum]]:
    for name, table in TABLES.items():
        state, event = first_of(table)
        for pair in itertools.product(type(state), type(event)):
            yield name, *pair


def first_of(table: Mapping[tuple[Any, Any], Any]) -> tuple[StrEnum, StrEnum]:
    """A table begins with the first state."""
    state, event = next(iter(table))
    assert isinstance(state, StrEnum)
    assert isinstance(event, StrEnum)
    return state, event


@pytest.mark.parametrize(("name", "state", "event"), list(every_pair()))
def test_an_event_moves_to_the_next_state_or_is_refused_with_what_is_allowed(
    name: str, state: StrEnum, event: StrEnum
) -> None:
    table = TABLES[name]
    if (state, event) in table:
        assert next_state(table, state, event) is table[state, event]
        assert event in allowed_events(table, state)
        return
    with pytest.raises(TransitionNotAllowed) as refused:
        next_state(table, state, event)
    assert refused.value.facts["state"] is state
    assert event not in allowed_events(table, state)
    for allowed in allowed_events(table, state):
        assert allowed in refused.value.facts["allowed"]


@pytest.mark.parametrize("name", TABLES)
def test_every_state_can_be_reached_and_every_event_happens_somewhere(name: str) -> None:
    table = TABLES[name]
    state, event = first_of(table)
    assert {moving for _, moving in table} == set(type(event))
    reached = {state}
    while more := {table[key] for key in table if key[0] in reached} - reached:
        reached |= more
    assert reached == set(type(state))


def test_every_state_of_a_life_carries_its_labels() -> None:
    assert {type(first_of(table)[0]) for table in TABLES.values()} <= set(Labelled.__subclasses__())


@pytest.mark.parametrize("kind", Labelled.__subclasses__())
def test_every_word_is_called_something_in_both_languages(kind: type[Labelled]) -> None:
    for word in kind:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in word.zh)
        assert word.en.isascii()
        assert word.en.strip()
