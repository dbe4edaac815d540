"""The life of a scheme's version."""

import pytest

from datamarket.subsidy.register import rules as register_rules
from datamarket.subsidy.register.terms import SchemeEvent, SchemeState


@pytest.mark.parametrize("state", SchemeState)
@pytest.mark.parametrize("event", SchemeEvent)
def test_a_scheme_version_is_approved_once_and_never_comes_back(
    state: SchemeState, event: SchemeEvent
) -> None:
    after = register_rules.SCHEME_LIFE.table.get((state, event))
    assert (after is None) == (
        state is SchemeState.RETIRED or (state, event) == (SchemeState.APPROVED, SchemeEvent.APPROVE)
    )
