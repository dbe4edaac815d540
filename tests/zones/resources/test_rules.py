"""The life of a registration as a table; its windows and working days at their edges."""

from datetime import date
from itertools import product

import pytest

from datamarket.auth.terms import Permission
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.zones.resources import rules as resource_rules
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level

REGISTRATION = {
    "draft": {"submit": "submitted"},
    "returned": {"submit": "submitted"},
    "submitted": {"accept": "accepted", "return": "returned", "reject": "rejected"},
    "accepted": {"review": "reviewed", "return": "returned", "reject": "rejected"},
    "reviewed": {"publicise": "publicised"},
    "publicised": {"code": "registered", "return": "returned", "reject": "rejected"},
    "registered": {"renew": "registered", "cancel": "cancelled"},
    "rejected": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "event"), list(product(ResourceState, ResourceEvent)))
def test_a_registration_moves_exactly_as_the_table_says(state: ResourceState, event: ResourceEvent) -> None:
    expected = REGISTRATION[state.value].get(event.value)
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            resource_rules.RESOURCE_LIFE.after(state, event)
    else:
        assert resource_rules.RESOURCE_LIFE.after(state, event) == expected


def test_the_operator_submits_and_renews_and_the_authority_does_the_rest() -> None:
    by_operator = {
        e for e, needed in resource_rules.PERMISSION_FOR.items() if needed is Permission.REGISTER_RESOURCE
    }
    assert by_operator == {ResourceEvent.SUBMIT, ResourceEvent.RENEW}
    assert set(resource_rules.PERMISSION_FOR) == set(ResourceEvent)


def test_only_core_data_never_trades() -> None:
    resource_rules.check_tradable(Level.GENERAL)
    resource_rules.check_tradable(Level.IMPORTANT)
    with pytest.raises(resource_rules.CoreNeverTrades):
        resource_rules.check_tradable(Level.CORE)
    with pytest.raises(resource_rules.CoreNeverTrades):
        resource_rules.check_tradable("core")


def test_the_code_comes_on_the_day_after_the_last_of_ten_working_days() -> None:
    monday = date(2025, 6, 2)
    with pytest.raises(resource_rules.RegistrationPublicityRunning) as caught:
        resource_rules.check_publicity_over(monday, date(2025, 6, 16), working_days=10)
    assert caught.value.facts["until"] == date(2025, 6, 17)
    resource_rules.check_publicity_over(monday, date(2025, 6, 17), working_days=10)
    resource_rules.check_publicity_over(monday, monday, working_days=None)


def test_a_renewal_is_asked_for_in_the_last_sixty_days() -> None:
    valid_to = date(2028, 3, 1)
    for outside in (date(2027, 12, 31), valid_to):
        with pytest.raises(resource_rules.RenewalOutsideWindow):
            resource_rules.check_renewal_window(valid_to, outside, window_days=60)
    resource_rules.check_renewal_window(valid_to, date(2028, 1, 1), window_days=60)
    resource_rules.check_renewal_window(valid_to, date(2028, 2, 29), window_days=60)


def test_a_registration_counts_until_the_day_before_its_end() -> None:
    assert resource_rules.is_valid(ResourceState.REGISTERED, date(2028, 3, 1), date(2028, 2, 29))
    assert not resource_rules.is_valid(ResourceState.REGISTERED, date(2028, 3, 1), date(2028, 3, 1))
    assert not resource_rules.is_valid(ResourceState.CANCELLED, date(2028, 3, 1), date(2028, 1, 1))
    assert not resource_rules.is_valid(ResourceState.DRAFT, None, date(2028, 1, 1))
