"""Who moves a dispute, and when: every event of every side in both open states, without a database."""

from datetime import timedelta
from uuid import UUID

import pytest

from datamarket.auth.terms import Role
from datamarket.contracts.terms import Party
from datamarket.foundation.errors import MarketError
from datamarket.notices.events.terms import EventType
from datamarket.trading.disputes import rules
from datamarket.trading.disputes.terms import DisputeEvent, DisputeFacts, DisputeState
from tests.world.people import AUDITOR, AUTHORITY, NOON, actor

S = DisputeState
BUYER, PROVIDER = UUID(int=1), UUID(int=2)
IN_TIME, LATE = NOON, NOON + timedelta(days=15)
OPEN_TO = {
    (S.OPENED, Party.BUYER, IN_TIME): {"offer", "settle", "withdraw"},
    (S.OPENED, Party.PROVIDER, IN_TIME): {"answer", "offer"},
    (S.OPENED, Party.AUTHORITY, IN_TIME): set(),
    (S.OPENED, Party.BUYER, LATE): {"offer", "settle", "withdraw"},
    (S.OPENED, Party.PROVIDER, LATE): {"offer"},
    (S.OPENED, Party.AUTHORITY, LATE): {"decide"},
    (S.ANSWERED, Party.BUYER, IN_TIME): {"offer", "settle", "withdraw"},
    (S.ANSWERED, Party.PROVIDER, IN_TIME): {"offer"},
    (S.ANSWERED, Party.AUTHORITY, IN_TIME): {"decide"},
}
"""Of a dispute that the buyer has opened, and for which the provider has offered an amount."""


def facts(state: DisputeState, amount_fen: int = 100) -> DisputeFacts:
    return DisputeFacts(state, Party.BUYER, Party.PROVIDER, amount_fen, LATE)


@pytest.mark.parametrize(("state", "side", "now"), OPEN_TO)
def test_each_side_is_shown_what_it_may_do_and_may_do_nothing_else(
    state: DisputeState, side: Party, now: object
) -> None:
    at = LATE if now == LATE else IN_TIME
    shown = set(rules.events_open_to(facts(state), side, now=at))
    assert shown == OPEN_TO[state, side, at]
    for event in set(DisputeEvent) - shown:
        with pytest.raises(MarketError):
            rules.check_turn(facts(state), event, side, now=at)


@pytest.mark.parametrize("state", [S.SETTLED, S.DECIDED, S.WITHDRAWN])
def test_what_is_closed_stays_closed(state: DisputeState) -> None:
    for side in (Party.BUYER, Party.PROVIDER, Party.AUTHORITY, None):
        assert rules.events_open_to(facts(state), side, now=LATE) == []


@pytest.mark.parametrize(("amount_fen", "within"), [(None, False), (0, True), (100, True), (101, False)])
def test_an_outcome_lies_between_nothing_and_what_is_disputed(amount_fen: int | None, within: bool) -> None:
    for event, side in ((DisputeEvent.OFFER, Party.BUYER), (DisputeEvent.DECIDE, Party.AUTHORITY)):
        try:
            rules.check_move(
                facts(S.ANSWERED), event, side, amount_fen=amount_fen, reason="-", documents=(), now=NOON
            )
        except rules.OutcomeNotWithin:
            assert not within
        else:
            assert within


def test_the_office_that_decides_is_the_authority_alone() -> None:
    parties = {"buyer_id": BUYER, "provider_id": PROVIDER}
    assert rules.side_of(AUTHORITY, **parties) is Party.AUTHORITY
    assert rules.side_of(AUDITOR, **parties) is None
    assert rules.side_of(actor(Role.BUYER, organisation=BUYER), **parties) is Party.BUYER
    assert rules.side_of(actor(Role.BUYER, organisation=UUID(int=3)), **parties) is None


def test_everything_that_happens_to_a_dispute_has_a_word_in_the_feed() -> None:
    verbs = ["open", *DisputeEvent]
    assert {f"trading.{verb}-dispute" for verb in verbs} <= {kind.action for kind in EventType}
