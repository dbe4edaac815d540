"""The life of a run: every state and event, who may cause which, and the days of publicity."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.clock import add_working_days, is_working_day
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.subsidy.runs import rules as run_rules
from datamarket.subsidy.runs.rules import RUN_LIFE
from datamarket.subsidy.runs.terms import RunEvent, RunState
from datamarket.subsidy.runs.terms import RunEvent as E
from tests.world.people import AUDITOR, AUTHORITY, FINANCE, actor

MAIN_ROAD = [
    (RunState.DRAFT, RunEvent.SNAPSHOT),
    (RunState.SNAPSHOTTED, RunEvent.CALCULATE),
    (RunState.CALCULATED, RunEvent.SUBMIT),
    (RunState.UNDER_REVIEW, RunEvent.PUBLICISE),
    (RunState.PUBLICISED, RunEvent.APPROVE),
    (RunState.APPROVED, RunEvent.POST),
    (RunState.POSTED, RunEvent.PAY),
    (RunState.PAYING, RunEvent.SETTLE),
    (RunState.PAID, RunEvent.CLOSE),
]
AGAIN = {(RunState.PAYING, RunEvent.PAY), (RunState.PAID, RunEvent.PAY), (RunState.PAYING, RunEvent.CLOSE)}
"""A refused or released award is paid later; what closes a run is guarded by what has become of its awards."""
SIDE_ROADS = {
    RunEvent.REJECT: {RunState.UNDER_REVIEW, RunState.PUBLICISED},
    RunEvent.CANCEL: {RunState.DRAFT, RunState.SNAPSHOTTED, RunState.CALCULATED},
    RunEvent.SUPERSEDE: {
        RunState.SNAPSHOTTED,
        RunState.CALCULATED,
        RunState.UNDER_REVIEW,
        RunState.PUBLICISED,
    },
}


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("event", RunEvent)
def test_every_event_in_every_state_moves_the_run_or_is_refused(state: RunState, event: RunEvent) -> None:
    allowed = (state, event) in MAIN_ROAD or state in SIDE_ROADS.get(event, set())
    if (state, event) in AGAIN:
        assert RUN_LIFE.after(state, event) in {RunState.PAYING, RunState.CLOSED}
    elif allowed:
        assert RUN_LIFE.after(state, event) is not state
    else:
        with pytest.raises(TransitionNotAllowed):
            RUN_LIFE.after(state, event)


def test_the_main_road_leads_from_draft_to_closed() -> None:
    state = RunState.DRAFT
    for source, event in MAIN_ROAD:
        assert state is source
        state = RUN_LIFE.after(state, event)
    assert state is RunState.CLOSED


@pytest.mark.parametrize("event", RunEvent)
def test_an_auditor_moves_nothing(event: RunEvent) -> None:
    with pytest.raises(run_rules.EventNotPermitted):
        run_rules.check_permitted(AUDITOR, event)


def test_paying_is_for_finance_and_calculating_for_the_authority() -> None:
    run_rules.check_permitted(FINANCE, RunEvent.PAY)
    run_rules.check_permitted(AUTHORITY, RunEvent.CALCULATE)
    with pytest.raises(run_rules.EventNotPermitted):
        run_rules.check_permitted(AUTHORITY, RunEvent.PAY)
    with pytest.raises(run_rules.EventNotPermitted):
        run_rules.check_permitted(FINANCE, RunEvent.CALCULATE)


def test_whoever_had_a_hand_in_a_run_has_no_later_one() -> None:
    one, two, three = actor(Role.AUTHORITY), actor(Role.AUTHORITY), actor(Role.FINANCE)
    hands = run_rules.Hands(one.account_id, two.account_id, three.account_id)

    def may(who: Actor, state: RunState) -> set[RunEvent]:
        return set(run_rules.events_open_to(who, state, hands))

    assert RunEvent.PUBLICISE not in may(one, RunState.UNDER_REVIEW)
    assert RunEvent.PUBLICISE in may(two, RunState.UNDER_REVIEW)
    assert RunEvent.APPROVE not in may(one, RunState.PUBLICISED) | may(two, RunState.PUBLICISED)
    assert may(three, RunState.PUBLICISED) == {RunEvent.APPROVE, RunEvent.REJECT}
    for state, event in ((RunState.APPROVED, E.POST), (RunState.POSTED, E.PAY), (RunState.PAID, E.CLOSE)):
        assert may(three, state) == set()
        assert may(actor(Role.FINANCE), state) == {event} | ({E.PAY} if state is RunState.PAID else set())
        with pytest.raises(run_rules.RunDutiesNotSeparate):
            run_rules.check_duties(three, event, hands)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(min_value=1, max_value=60))
def test_publicity_holds_exactly_the_working_days_that_the_scheme_says(start: date, days: int) -> None:
    last = add_working_days(start, days)
    between = [date.fromordinal(day) for day in range(start.toordinal() + 1, last.toordinal() + 1)]
    assert sum(map(is_working_day, between)) == days
    assert is_working_day(last)


def test_five_working_days_from_a_friday_end_with_the_next_friday() -> None:
    assert add_working_days(date(2025, 1, 17), 5) == date(2025, 1, 24)


def test_the_last_day_counts_whole_in_qingdao() -> None:
    last = date(2025, 1, 27)
    with pytest.raises(run_rules.RunPublicityRunning):
        run_rules.check_publicity_over(last, now=datetime(2025, 1, 27, 15, 59, 59, tzinfo=UTC))
    run_rules.check_publicity_over(last, now=datetime(2025, 1, 27, 16, 0, tzinfo=UTC))


def test_a_scheme_without_publicity_may_be_approved_at_once() -> None:
    now = datetime(2025, 1, 20, 2, 0, tzinfo=UTC)
    _, last = run_rules.publicity_from(now, None)
    assert run_rules.earliest_approval(last, now) == now
