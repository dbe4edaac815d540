"""The rules of payouts without a database: hands, states, days."""

from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest

from datamarket.payouts import rules
from datamarket.payouts.terms import (
    AdviceLine,
    BankAnswer,
    BatchEvent,
    BatchState,
    PayoutEvent,
    PayoutState,
)

MAKER, OTHER = UUID(int=1), UUID(int=2)
DAY = date(2024, 6, 3)
ONE_DAY = timedelta(days=1)
BY_OTHERS = {
    BatchState.DRAFTED: [BatchEvent.APPROVE, BatchEvent.CANCEL],
    BatchState.APPROVED: [BatchEvent.SEND, BatchEvent.CANCEL],
    BatchState.SENT: [],
    BatchState.SETTLED: [],
    BatchState.CANCELLED: [],
}


@pytest.mark.parametrize(("state", "account"), [*product(BatchState, (MAKER, OTHER))])
def test_what_is_open_to_whom(state: BatchState, account: UUID) -> None:
    own = [event for event in BY_OTHERS[state] if event is not BatchEvent.APPROVE]
    expected = own if account == MAKER else BY_OTHERS[state]
    assert rules.events_open_to(account, state, made_by=MAKER) == expected


def test_who_made_a_batch_does_not_approve_it() -> None:
    rules.check_approver(MAKER, OTHER)
    with pytest.raises(rules.PayoutDutiesNotSeparate):
        rules.check_approver(MAKER, MAKER)


def test_only_the_banks_last_answer_settles_a_batch() -> None:
    assert rules.BATCH_LIFE.open_in(BatchState.SENT) == [BatchEvent.SETTLE]
    for state in BatchState:
        assert BatchEvent.SETTLE not in rules.events_open_to(OTHER, state, made_by=MAKER)


def test_each_answer_of_the_bank_decides_a_sent_payout_and_is_read_back_from_its_state() -> None:
    assert set(rules.EVENT_OF) == set(BankAnswer)
    for answer, event in rules.EVENT_OF.items():
        assert rules.RESULT_OF[rules.PAYOUT_LIFE.after(PayoutState.SENT, event)] is answer
    assert {PayoutState.EXECUTED, PayoutState.REFUSED} == rules.DECIDED


def test_a_payout_that_never_left_is_neither_executed_nor_refused() -> None:
    for state in (PayoutState.QUEUED, PayoutState.CANCELLED, *rules.DECIDED):
        open_now = rules.PAYOUT_LIFE.open_in(state)
        assert not {PayoutEvent.EXECUTE, PayoutEvent.REFUSE} & set(open_now)


@pytest.mark.parametrize("passed", [0, 1, 2])
def test_an_answer_is_of_a_day_from_the_sending_to_today_both_included(passed: int) -> None:
    answer = AdviceLine("PO1", BankAnswer.EXECUTED, DAY + passed * ONE_DAY)
    rules.check_timely(answer, 2, sent_on=DAY, today=DAY + 2 * ONE_DAY)


@pytest.mark.parametrize("day", [DAY - ONE_DAY, DAY + 3 * ONE_DAY])
def test_an_answer_before_the_sending_or_of_tomorrow_is_refused_with_its_line(day: date) -> None:
    with pytest.raises(rules.AdviceUntimely) as refused:
        rules.check_timely(
            AdviceLine("PO1", BankAnswer.REFUSED, day, "AC04", "closed"),
            7,
            sent_on=DAY,
            today=DAY + 2 * ONE_DAY,
        )
    assert refused.value.facts == {"line": 7, "day": day.isoformat()}
