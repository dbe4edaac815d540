"""Admission as a table, places, periods."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.states import ReasonMissing, TransitionNotAllowed
from datamarket.participants import rules as participants_rules
from datamarket.participants import terms as participants_terms
from datamarket.participants.qualifications.terms import QualificationKind
from datamarket.participants.terms import ParticipantEvent, ParticipantState

NEXT = {
    ("applied", "admit"): "admitted",
    ("applied", "withdraw"): "withdrawn",
    ("admitted", "suspend"): "suspended",
    ("admitted", "withdraw"): "withdrawn",
    ("suspended", "restore"): "admitted",
    ("suspended", "withdraw"): "withdrawn",
}
DAYS = st.dates(date(2020, 1, 1), date(2020, 3, 1))


@pytest.mark.parametrize(("state", "event"), list(product(ParticipantState, ParticipantEvent)))
def test_admission_moves_exactly_as_the_table_says(state: ParticipantState, event: ParticipantEvent) -> None:
    expected = NEXT.get((state.value, event.value))
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            participants_rules.PARTICIPANT_LIFE.after(state, event)
    else:
        assert participants_rules.PARTICIPANT_LIFE.after(state, event) == expected


@pytest.mark.parametrize("event", ParticipantEvent)
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_only_suspension_and_withdrawal_need_a_reason(event: ParticipantEvent, reason: str | None) -> None:
    if event in {ParticipantEvent.SUSPEND, ParticipantEvent.WITHDRAW}:
        with pytest.raises(ReasonMissing):
            participants_rules.PARTICIPANT_LIFE.check_reason(event, reason)
        participants_rules.PARTICIPANT_LIFE.check_reason(event, "材料不实")
    else:
        participants_rules.PARTICIPANT_LIFE.check_reason(event, reason)


def test_every_word_has_a_label_in_both_languages() -> None:
    words = [
        *participants_terms.ParticipantKind,
        *participants_terms.IncomeClass,
        *ParticipantState,
        *ParticipantEvent,
        *QualificationKind,
    ]
    for word in words:
        zh, en = word.labels
        assert zh
        assert en.isascii()


@pytest.mark.parametrize("division", ["370200", "110105", "820000", "650000"])
def test_a_division_of_a_province_passes(division: str) -> None:
    participants_rules.check_division(division)


@pytest.mark.parametrize("division", ["", "37020", "3702000", "160000", "990000", "37O200", "３７０２００"])
def test_what_is_no_division_is_refused(division: str) -> None:
    with pytest.raises(participants_rules.DivisionWrong):
        participants_rules.check_division(division)


@given(DAYS, DAYS, DAYS, DAYS)
def test_periods_overlap_when_and_only_when_they_share_a_day(
    a: date, a_end: date, b: date, b_end: date
) -> None:
    days = {date(2020, 1, 1) + timedelta(days=n) for n in range(100)}
    first = {day for day in days if a <= day < a_end}
    second = {day for day in days if b <= day < b_end}
    if first and second:
        assert participants_rules.overlap((a, a_end), (b, b_end)) == bool(first & second)
        assert participants_rules.overlap((a, None), (b, b_end)) == bool({d for d in days if d >= a} & second)


def test_a_period_has_at_least_a_day() -> None:
    participants_rules.check_term(date(2024, 1, 1), date(2024, 1, 2))
    participants_rules.check_term(date(2024, 1, 1), None)
    with pytest.raises(participants_rules.PeriodEmpty):
        participants_rules.check_term(date(2024, 1, 1), date(2024, 1, 1))
