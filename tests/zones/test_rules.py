"""The life of a zone as a table; terms, limits and working days at their edges."""

import itertools
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.clock import add_working_days, is_working_day
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.zones import limits
from datamarket.zones import rules as zone_rules
from datamarket.zones import terms as zones_terms
from datamarket.zones.resources import rules as resource_rules
from datamarket.zones.resources import terms as resource_terms
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level, ZoneEvent, ZoneState

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(("state", "event"), list(product(ZoneState, ZoneEvent)))
def test_a_zone_opens_closes_and_reopens(state: ZoneState, event: ZoneEvent) -> None:
    expected = {("draft", "open"): "open", ("open", "close"): "closed", ("closed", "reopen"): "open"}.get(
        (state.value, event.value)
    )
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            zone_rules.ZONE_LIFE.after(state, event)
    else:
        assert zone_rules.ZONE_LIFE.after(state, event) == expected


@pytest.mark.parametrize("event", [*ZoneEvent, *ResourceEvent])
def test_what_ends_or_refuses_needs_a_reason(event: ZoneEvent | ResourceEvent) -> None:
    reasons = zone_rules.ZONE_LIFE.reasons | resource_rules.RESOURCE_LIFE.reasons
    assert (event in reasons) == (event.value in {"close", "reopen", "return", "reject", "cancel"})


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
    assert is_working_day(last)
    assert sum(map(is_working_day, between)) == count


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
