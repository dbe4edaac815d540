"""Lives of zones and registrations as tables; terms, windows and working days at their edges."""

import itertools
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Permission
from datamarket.foundation.clock import add_working_days
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.zones import limits
from datamarket.zones import rules as zone_rules
from datamarket.zones import terms as zones_terms
from datamarket.zones.resources import rules as resource_rules
from datamarket.zones.resources import terms as resource_terms
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level, ZoneEvent, ZoneState

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
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(("state", "event"), list(product(ResourceState, ResourceEvent)))
def test_a_registration_moves_exactly_as_the_table_says(state: ResourceState, event: ResourceEvent) -> None:
    expected = REGISTRATION[state.value].get(event.value)
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            resource_rules.RESOURCE_LIFE.after(state, event)
    else:
        assert resource_rules.RESOURCE_LIFE.after(state, event) == expected


@pytest.mark.parametrize(("state", "event"), list(product(ZoneState, ZoneEvent)))
def test_a_zone_opens_once_and_closes_once(state: ZoneState, event: ZoneEvent) -> None:
    expected = {("draft", "open"): "open", ("open", "close"): "closed"}.get((state.value, event.value))
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            zone_rules.ZONE_LIFE.after(state, event)
    else:
        assert zone_rules.ZONE_LIFE.after(state, event) == expected


def test_the_operator_submits_and_renews_and_the_authority_does_the_rest() -> None:
    by_operator = {
        e for e, needed in resource_rules.PERMISSION_FOR.items() if needed is Permission.REGISTER_RESOURCE
    }
    assert by_operator == {ResourceEvent.SUBMIT, ResourceEvent.RENEW}
    assert set(resource_rules.PERMISSION_FOR) == set(ResourceEvent)


@pytest.mark.parametrize("event", [*ZoneEvent, *ResourceEvent])
def test_what_ends_or_refuses_needs_a_reason(event: ZoneEvent | ResourceEvent) -> None:
    reasons = zone_rules.ZONE_LIFE.reasons | resource_rules.RESOURCE_LIFE.reasons
    assert (event in reasons) == (event.value in {"close", "return", "reject", "cancel"})


def test_every_word_has_a_label_in_both_languages() -> None:
    enums = (
        ZoneState,
        ZoneEvent,
        zones_terms.MandateMode,
        zones_terms.UseClass,
        Level,
        ResourceState,
        ResourceEvent,
    )
    for word in [word for enum in enums for word in enum] + [*resource_terms.FilingKind]:
        zh, en = word.labels
        assert zh
        assert en.isascii()


def test_only_core_data_never_trades() -> None:
    resource_rules.check_tradable(Level.GENERAL)
    resource_rules.check_tradable(Level.IMPORTANT)
    with pytest.raises(resource_rules.CoreNeverTrades):
        resource_rules.check_tradable(Level.CORE)
    with pytest.raises(resource_rules.CoreNeverTrades):
        resource_rules.check_tradable("core")


def test_a_mandate_of_five_years_to_the_day_needs_no_reason_and_a_day_more_does() -> None:
    begins = date(2025, 3, 1)
    zone_rules.check_mandate_term(begins, date(2030, 3, 1), None, limit_years=5)
    with pytest.raises(zone_rules.TermTooLong):
        zone_rules.check_mandate_term(begins, date(2030, 3, 2), " ", limit_years=5)
    zone_rules.check_mandate_term(begins, date(2030, 3, 2), "重大基础设施，回收期长", limit_years=5)
    with pytest.raises(zone_rules.MandateTermEmpty):
        zone_rules.check_mandate_term(begins, begins, "x", limit_years=5)


def test_a_leap_day_comes_back_as_the_first_of_march() -> None:
    assert zone_rules.add_years(date(2024, 2, 29), 3) == date(2027, 3, 1)
    assert zone_rules.add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)
    assert zone_rules.add_years(date(9997, 1, 1), 5) == date.max


@given(DAYS, st.integers(1, 60))
def test_working_days_are_counted_one_by_one(day: date, count: int) -> None:
    last = add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert last.weekday() < 5
    assert sum(d.weekday() < 5 for d in between) == count


def test_the_code_comes_on_the_day_after_the_last_of_ten_working_days() -> None:
    monday = date(2025, 6, 2)
    with pytest.raises(resource_rules.RegistrationPublicityRunning) as caught:
        resource_rules.check_publicity_over(monday, date(2025, 6, 16), working_days=10)
    assert caught.value.facts == {"until": date(2025, 6, 17)}
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


def test_limits_are_dated_and_every_one_is_cited_or_marked_as_assumed() -> None:
    for stated in itertools.chain.from_iterable(limits.stated_limits().values()):
        assert "[law]" in stated.source or "[assumed]" in stated.source
    before, since = limits.limits_on(date(2025, 2, 28)), limits.limits_on(date(2025, 3, 1))
    assert before.publicity_working_days is None
    assert (since.mandate_years, since.publicity_working_days, since.validity_years) == (5, 10, 3)
    with pytest.raises(zone_rules.LimitUnstated):
        zone_rules.stated(limits.limits_on(date(2019, 1, 1)).mandate_years, "mandate_years", date(2019, 1, 1))


def test_the_next_step_is_due_by_the_rule_in_force_when_the_step_before_was_made() -> None:
    friday = date(2025, 6, 6)
    assert resource_rules.due_on("submitted", submitted_on=friday, accepted_on=None) == date(2025, 6, 11)
    assert resource_rules.due_on("accepted", submitted_on=friday, accepted_on=friday) == date(2025, 7, 4)
    assert resource_rules.due_on("registered", submitted_on=friday, accepted_on=friday) is None
    assert resource_rules.due_on("submitted", submitted_on=date(2024, 6, 6), accepted_on=None) is None
