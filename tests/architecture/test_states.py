"""A state machine is one table: each pair moves or is refused by name, and each state has two labels."""

import ast
import importlib
import inspect
import itertools
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from datamarket.catalogue import rules as catalogue
from datamarket.catalogue import terms as catalogue_terms
from datamarket.contracts import rules as contracts
from datamarket.contracts import terms as contract_terms
from datamarket.foundation.states import TransitionNotAllowed, allowed_events, next_state
from datamarket.ledger import rules as ledger
from datamarket.ledger import terms as ledger_terms
from datamarket.participants import rules as participants
from datamarket.participants import terms as participant_terms
from datamarket.payouts import rules as payouts
from datamarket.payouts import terms as payout_terms
from datamarket.subsidy import lifecycle
from datamarket.trading import order_rules
from datamarket.trading import terms as trading_terms
from datamarket.zones import rules as zones
from datamarket.zones import terms as zone_terms

TABLES: dict[str, tuple[Mapping[tuple[Any, Any], Any], Mapping[Any, tuple[str, str]]]] = {
    "participant": (participants.ADMISSION, participant_terms.LABELS),
    "zone": (zones.ZONE_LIFE, zone_terms.LABELS),
    "resource": (zones.REGISTRATION, zone_terms.LABELS),
    "venue": (catalogue.VENUE_LIFE, catalogue_terms.LABELS),
    "version": (catalogue.VERSION_LIFE, catalogue_terms.LABELS),
    "listing": (catalogue.LISTING_LIFE, catalogue_terms.LABELS),
    "contract": (contracts.CONTRACT_EVENTS, contract_terms.STATE_LABELS),
    "order": (order_rules.ORDER_EVENTS, order_rules.ORDER_LABELS),
    "hold": (ledger.HOLD_EVENTS, ledger_terms.HOLD_LABELS),
    "period": (ledger.PERIOD_EVENTS, ledger_terms.STATE_LABELS),
    "city transfer": (ledger.TRANSFER_EVENTS, ledger_terms.TRANSFER_LABELS),
    "payout_batch": (payouts.BATCH_LIFE, payout_terms.LABELS),
    "payout": (payouts.PAYOUT_LIFE, payout_terms.LABELS),
    "run": (lifecycle.RUN_EVENTS, lifecycle.LABELS),
    "scheme": (lifecycle.SCHEME_EVENTS, lifecycle.LABELS),
}
LABELLED = (
    catalogue_terms,
    contract_terms,
    ledger_terms,
    lifecycle,
    order_rules,
    participant_terms,
    payout_terms,
    trading_terms,
    zone_terms,
)


def every_pair() -> Iterator[tuple[str, StrEnum, StrEnum]]:
    for name, (table, _) in TABLES.items():
        state, event = first_of(table)
        for pair in itertools.product(type(state), type(event)):
            yield name, *pair


def first_of(table: Mapping[tuple[Any, Any], Any]) -> tuple[StrEnum, StrEnum]:
    """A table begins with the first state."""
    state, event = next(iter(table))
    assert isinstance(state, StrEnum)
    assert isinstance(event, StrEnum)
    return state, event


def label_tables(module: ModuleType) -> Iterator[ast.Dict]:
    """Each dict of labels, as it is written."""
    for node in ast.parse(inspect.getsource(module)).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(ast.unparse(target).endswith("LABELS") for target in targets):
            yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Dict))


@pytest.mark.parametrize(("name", "state", "event"), list(every_pair()))
def test_an_event_moves_to_the_next_state_or_is_refused_with_what_is_allowed(
    name: str, state: StrEnum, event: StrEnum
) -> None:
    table, _ = TABLES[name]
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
    table, _ = TABLES[name]
    state, event = first_of(table)
    assert {moving for _, moving in table} == set(type(event))
    reached = {state}
    while more := {table[key] for key in table if key[0] in reached} - reached:
        reached |= more
    assert reached == set(type(state))


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_called_something_in_both_languages(name: str) -> None:
    table, labels = TABLES[name]
    for state in type(first_of(table)[0]):
        zh, en = labels[state]
        assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
        assert en.isascii()
        assert en.strip()


def test_a_trade_s_state_is_called_something_in_both_languages() -> None:
    assert set(trading_terms.STATE_LABELS) == set(trading_terms.TradeState)


@pytest.mark.parametrize("module", LABELLED, ids=lambda module: module.__name__)
def test_words_that_are_spelt_alike_share_one_label(module: ModuleType) -> None:
    """Members of two enums with one value are one key of a dict: the later label would hide the earlier."""
    names = vars(importlib.import_module(module.__name__))
    for table in label_tables(module):
        labels: dict[str, str] = {}
        for key, value in zip(table.keys, table.values, strict=True):
            assert key is not None
            member = names[ast.unparse(key).split(".")[0]][ast.unparse(key).split(".")[1]]
            assert labels.setdefault(member.value, ast.unparse(value)) == ast.unparse(value), member
