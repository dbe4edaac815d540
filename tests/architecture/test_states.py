"""A state machine is one table: each pair moves or is refused by name, and each state has two labels."""

import itertools
from enum import StrEnum

import pytest

from datamarket import slices
from datamarket.foundation.states import Labelled, Life, ReasonMissing, TransitionNotAllowed

LIVES = {life.en: life for life in slices.lives()}
EVERY_PAIR = [
    pytest.param(life, state, event, id=f"{name}-{state}-{event}")
    for name, life in LIVES.items()
    for state, event in itertools.product(life.states, life.events)
]
every_life = pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)


def test_every_life_has_a_name_of_its_own() -> None:
    assert len(LIVES) == len(slices.lives()) >= 15


@pytest.mark.parametrize(("life", "state", "event"), EVERY_PAIR)
def test_an_event_moves_to_the_next_state_or_is_refused_with_what_is_allowed(
    life: Life[StrEnum, StrEnum], state: StrEnum, event: StrEnum
) -> None:
    allowed = life.open_in(state)
    if (state, event) in life.table:
        assert life.after(state, event) is life.table[state, event]
        assert event in allowed
        return
    with pytest.raises(TransitionNotAllowed) as refused:
        life.after(state, event)
    assert refused.value.facts["state"] is state
    assert event not in allowed
    assert refused.value.facts["allowed"] == (", ".join(allowed) or "-")


@every_life
def test_every_state_can_be_reached_and_every_event_happens_somewhere(life: Life[StrEnum, StrEnum]) -> None:
    assert {moving for _, moving in life.table} == set(life.events)
    reached = {next(iter(life.table))[0]}
    while more := {life.table[key] for key in life.table if key[0] in reached} - reached:
        reached |= more
    assert reached == set(life.states)


@every_life
def test_an_event_that_must_say_why_is_refused_without_a_reason_under_the_code_of_its_noun(
    life: Life[StrEnum, StrEnum],
) -> None:
    for event in life.events:
        if event not in life.reasons:
            life.check_reason(event, None)
            continue
        for nothing in (None, "", "  "):
            with pytest.raises(ReasonMissing) as refused:
                life.check_reason(event, nothing)
            assert refused.value.code == f"{life.noun}.reason-missing"
        life.check_reason(event, "因为")


@every_life
def test_every_state_of_a_life_carries_its_labels(life: Life[StrEnum, StrEnum]) -> None:
    assert issubclass(life.states, Labelled)
    assert life.en.isascii()
    assert not life.zh.isascii()


@pytest.mark.parametrize("kind", Labelled.__subclasses__())
def test_every_word_is_called_something_in_both_languages(kind: type[Labelled]) -> None:
    for word in kind:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in word.zh)
        assert word.en.isascii()
        assert word.en.strip()
