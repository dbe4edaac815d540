"""An order's rules without a database: who moves what, the clock to the second, parts, reasons, and silence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from datamarket.auth.terms import Actor, Permission, Role
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.contracts.rules import ContractNotActive, PurposeNotAuthorised, QuotaExhausted
from datamarket.contracts.terms import Authorisation, ContractState, Demand, Party, Purpose
from datamarket.foundation.states import ReasonMissing, TransitionNotAllowed
from datamarket.trading.orders import rules
from datamarket.trading.orders.terms import OrderEvent, OrderFacts, OrderState

BUYER, PROVIDER, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2024, 6, 3, 4, tzinfo=UTC)
DELIVER_BY, DECIDE_BY = NOON + timedelta(days=2), NOON + timedelta(days=9)
TICK = timedelta(seconds=1)
PLACED = OrderFacts(OrderState.PLACED, 10, DELIVER_BY, None)
DELIVERED = OrderFacts(OrderState.DELIVERED, 10, DELIVER_BY, DECIDE_BY, amount_fen=1_000)
CURABLE = replace(DELIVERED, cure_days=3)
CURING = replace(CURABLE, state=OrderState.CURING, cure_by=NOON + timedelta(days=3))
PURPOSE = Purpose.INDUSTRIAL_DEVELOPMENT


def somebody(organisation: UUID | None, *roles: Role) -> Actor:
    return Actor(UUID(int=9), organisation, frozenset(roles))


ON_SIDE = {
    Party.BUYER: somebody(BUYER, Role.BUYER),
    Party.PROVIDER: somebody(PROVIDER, Role.PROVIDER),
    None: somebody(OTHER, Role.BUYER, Role.PROVIDER),
}
OWN_MOVES = {
    (OrderState.PLACED, Party.PROVIDER): {OrderEvent.DELIVER: OrderState.DELIVERED},
    (OrderState.PLACED, Party.BUYER): {OrderEvent.CANCEL: OrderState.CANCELLED},
    (OrderState.DELIVERED, Party.BUYER): {
        OrderEvent.ACCEPT: OrderState.ACCEPTED,
        OrderEvent.REJECT: OrderState.REJECTED,
    },
    (OrderState.DELIVERED, Party.PROVIDER): {OrderEvent.OFFER_CUT: OrderState.DELIVERED},
    (OrderState.CURING, Party.BUYER): {OrderEvent.ACCEPT: OrderState.ACCEPTED},
    (OrderState.CURING, Party.PROVIDER): {
        OrderEvent.DELIVER: OrderState.DELIVERED,
        OrderEvent.OFFER_CUT: OrderState.CURING,
    },
}


def move(
    facts: OrderFacts,
    event: OrderEvent,
    *,
    side: Party | None = Party.BUYER,
    actor: Actor | None = None,
    reason: str | None = "与样本不符",
    accepted: int | None = None,
    cut_fen: int | None = None,
    now: datetime = NOON,
) -> OrderState:
    by, cut = (side, actor or ON_SIDE[side]), 5 if event is OrderEvent.OFFER_CUT else None
    done = rules.check_move(
        facts, event, by=by, reason=reason, accepted=accepted, cut_fen=cut_fen or cut, now=now
    )
    return rules.ORDER_LIFE.after(facts.state, done)


@pytest.mark.parametrize(
    ("state", "side", "event"), [*product(OrderState, (Party.BUYER, Party.PROVIDER, None), OrderEvent)]
)
def test_each_side_makes_its_own_moves_and_no_other(
    state: OrderState, side: Party | None, event: OrderEvent
) -> None:
    facts = replace(DELIVERED if state is not OrderState.PLACED else PLACED, state=state)
    mine = {moving for (_, who), moves in OWN_MOVES.items() if who is side for moving in moves}
    allowed = OWN_MOVES.get((state, side), {}) if side else {}
    if event in allowed:
        assert move(facts, event, side=side) is allowed[event]
    else:
        refusal = TransitionNotAllowed if event in mine else rules.OrderNotYourMove
        with pytest.raises(refusal):
            move(facts, event, side=side)
    assert (event in rules.events_open_to(facts, side, ON_SIDE[side], now=NOON)) == (event in allowed)


@pytest.mark.parametrize(("event", "needed"), rules.MOVED_BY.items())
def test_the_right_side_without_the_permission_may_not_move(
    event: OrderEvent, needed: tuple[Party, Permission]
) -> None:
    side, permission = needed
    clerk = somebody(ON_SIDE[side].participant_id, Role.ADMIN)
    assert not clerk.may(permission)
    facts = PLACED if event in {OrderEvent.DELIVER, OrderEvent.CANCEL} else DELIVERED
    with pytest.raises(rules.OrderNotYourMove):
        move(facts, event, side=side, actor=clerk)
    assert rules.events_open_to(facts, side, clerk, now=NOON) == []


def test_a_side_is_that_of_the_organisation() -> None:
    def side(actor: Actor) -> Party | None:
        return rules.side_of(actor, buyer_id=BUYER, provider_id=PROVIDER)

    assert {wanted: side(actor) for wanted, actor in ON_SIDE.items()} == {one: one for one in ON_SIDE}
    assert side(somebody(None, Role.AUTHORITY)) is None


@pytest.mark.parametrize("reason", [None, "", " \t"])
def test_only_a_rejection_must_say_why(reason: str | None) -> None:
    with pytest.raises(ReasonMissing) as refused:
        move(DELIVERED, OrderEvent.REJECT, reason=reason)
    assert refused.value.code == "order.reason-missing"
    assert move(DELIVERED, OrderEvent.ACCEPT, reason=reason) is OrderState.ACCEPTED
    assert move(PLACED, OrderEvent.CANCEL, reason=reason) is OrderState.CANCELLED


@pytest.mark.parametrize("accepted", [None, 1, 9, 10])
def test_a_part_or_the_whole_is_accepted(accepted: int | None) -> None:
    assert move(DELIVERED, OrderEvent.ACCEPT, accepted=accepted) is OrderState.ACCEPTED


@pytest.mark.parametrize("accepted", [-1, 0, 11])
def test_no_more_than_was_ordered_and_not_nothing_is_accepted(accepted: int) -> None:
    with pytest.raises(rules.QuantityNotAsked):
        move(DELIVERED, OrderEvent.ACCEPT, accepted=accepted)


@pytest.mark.parametrize(
    ("facts", "side", "event"),
    [
        (PLACED, Party.PROVIDER, OrderEvent.DELIVER),
        (PLACED, Party.BUYER, OrderEvent.CANCEL),
        (DELIVERED, Party.BUYER, OrderEvent.REJECT),
    ],
)
def test_a_quantity_belongs_to_an_acceptance(facts: OrderFacts, side: Party, event: OrderEvent) -> None:
    with pytest.raises(rules.QuantityNotAsked):
        move(facts, event, side=side, accepted=5)


@pytest.mark.parametrize(
    ("side", "event"), [(Party.PROVIDER, OrderEvent.DELIVER), (Party.BUYER, OrderEvent.CANCEL)]
)
def test_from_the_second_of_its_time_on_an_order_only_lapses(side: Party, event: OrderEvent) -> None:
    assert move(PLACED, event, side=side, now=DELIVER_BY - TICK)
    for now in (DELIVER_BY, DELIVER_BY + TICK):
        with pytest.raises(rules.OrderOverdue):
            move(PLACED, event, side=side, now=now)
        assert rules.events_open_to(PLACED, side, ON_SIDE[side], now=now) == []


def test_from_the_second_of_its_end_on_a_delivery_is_only_accepted_as_a_whole() -> None:
    last = DECIDE_BY - TICK
    assert move(DELIVERED, OrderEvent.REJECT, now=last) is OrderState.REJECTED
    assert move(DELIVERED, OrderEvent.ACCEPT, accepted=9, now=last) is OrderState.ACCEPTED
    for now in (DECIDE_BY, DECIDE_BY + TICK):
        with pytest.raises(rules.AcceptanceOver):
            move(DELIVERED, OrderEvent.REJECT, now=now)
        with pytest.raises(rules.AcceptanceOver):
            move(DELIVERED, OrderEvent.ACCEPT, accepted=9, now=now)
        for whole in (None, 10):
            assert move(DELIVERED, OrderEvent.ACCEPT, accepted=whole, now=now) is OrderState.ACCEPTED
        buyer = ON_SIDE[Party.BUYER]
        assert rules.events_open_to(DELIVERED, Party.BUYER, buyer, now=now) == [OrderEvent.ACCEPT]


def test_time_itself_expires_an_order_and_nobody_else_does() -> None:
    assert rules.ORDER_LIFE.after(OrderState.PLACED, OrderEvent.EXPIRE) is OrderState.EXPIRED
    assert OrderEvent.EXPIRE not in rules.MOVED_BY


AUTHORISED = Authorisation(
    ContractState.ACTIVE, NOON - timedelta(days=1), DECIDE_BY, frozenset({PURPOSE}), 100, 60
)


def place(
    authorisation: Authorisation = AUTHORISED,
    *,
    quantity: int = 10,
    purpose: Purpose = PURPOSE,
    deliver_by: datetime = DELIVER_BY,
    days: int = 1,
) -> None:
    demand = Demand(UUID(int=7), BUYER, purpose, quantity, NOON)
    rules.check_place(authorisation, demand, deliver_by=deliver_by, days=days)


def test_delivery_lies_ahead() -> None:
    place(deliver_by=NOON + TICK)
    for deliver_by in (NOON, NOON - TICK):
        with pytest.raises(rules.DeliveryPast):
            place(deliver_by=deliver_by)


def test_what_open_orders_reserve_counts_as_used() -> None:
    place(quantity=40)
    place(replace(AUTHORISED, reserved=30), quantity=10)
    with pytest.raises(QuotaExhausted):
        place(quantity=41)
    with pytest.raises(QuotaExhausted, match="9 left, 10 asked"):
        place(replace(AUTHORISED, reserved=31), quantity=10)
    place(replace(AUTHORISED, quota=None, reserved=10**6), quantity=10**6)


def test_an_order_ends_with_its_acceptance_within_the_term_which_is_half_open() -> None:
    place(deliver_by=DECIDE_BY - timedelta(days=3) - TICK, days=3)
    with pytest.raises(rules.OrderBeyondTerm):
        place(deliver_by=DECIDE_BY - timedelta(days=3), days=3)


def test_an_order_needs_what_a_use_needs() -> None:
    for state in set(ContractState) - {ContractState.ACTIVE}:
        with pytest.raises(ContractNotActive):
            place(replace(AUTHORISED, state=state))
    with pytest.raises(PurposeNotAuthorised):
        place(purpose=Purpose.PUBLIC_WELFARE)


@pytest.mark.parametrize("state", [ContractState.ACTIVE, ContractState.ENDED])
def test_what_an_order_reserved_is_its_own_while_its_contract_is_active_and_when_it_has_ended(
    state: ContractState,
) -> None:
    settled = Demand(UUID(int=7), BUYER, PURPOSE, 10, NOON)
    held = replace(AUTHORISED, state=state, used=90, reserved=10)
    rules.check_settlement(held, settled, reserved=10)
    with pytest.raises(QuotaExhausted):
        rules.check_settlement(held, settled, reserved=9)
    with pytest.raises(ContractNotActive):
        rules.check_settlement(replace(held, state=ContractState.SUSPENDED), settled, reserved=10)


@pytest.mark.parametrize("reason", [None, "", " "])
def test_a_part_says_why_the_rest_is_not_accepted(reason: str | None) -> None:
    with pytest.raises(rules.PartUnexplained):
        move(DELIVERED, OrderEvent.ACCEPT, accepted=9, reason=reason)
    assert move(DELIVERED, OrderEvent.ACCEPT, accepted=10, reason=reason) is OrderState.ACCEPTED


def test_a_rejection_leaves_one_cure_where_the_contract_has_days_for_it() -> None:
    assert move(CURABLE, OrderEvent.REJECT) is OrderState.CURING
    again = replace(CURABLE, cure_by=NOON)
    assert move(again, OrderEvent.REJECT) is OrderState.REJECTED
    with pytest.raises(ReasonMissing):
        move(CURABLE, OrderEvent.REJECT, reason=" ")
    with pytest.raises(rules.OrderNotYourMove):
        move(CURABLE, OrderEvent.SEND_BACK)


def test_from_the_second_of_its_end_on_a_cure_only_lapses() -> None:
    assert CURING.cure_by is not None
    moves = {
        OrderEvent.DELIVER: Party.PROVIDER,
        OrderEvent.OFFER_CUT: Party.PROVIDER,
        OrderEvent.ACCEPT: Party.BUYER,
    }
    for event, side in moves.items():
        assert move(CURING, event, side=side, now=CURING.cure_by - TICK)
        with pytest.raises(rules.CureOver):
            move(CURING, event, side=side, now=CURING.cure_by)
        assert rules.events_open_to(CURING, side, ON_SIDE[side], now=CURING.cure_by) == []


def test_a_delivery_that_was_used_is_only_accepted_as_a_whole_and_at_its_first_use() -> None:
    used = replace(DELIVERED, used_at=NOON - TICK)
    for event, side in ((OrderEvent.REJECT, Party.BUYER), (OrderEvent.OFFER_CUT, Party.PROVIDER)):
        with pytest.raises(rules.DeliveryUsed):
            move(used, event, side=side)
    with pytest.raises(rules.DeliveryUsed):
        move(used, OrderEvent.ACCEPT, accepted=9)
    assert move(used, OrderEvent.ACCEPT, accepted=10) is OrderState.ACCEPTED
    assert rules.accepted_at(used, NOON) == NOON - TICK
    assert rules.accepted_at(DELIVERED, DECIDE_BY + TICK) == DECIDE_BY
    assert rules.accepted_at(CURING, DECIDE_BY + TICK) == DECIDE_BY + TICK


@pytest.mark.parametrize(("before", "cut"), [(0, 0), (0, 1_001), (500, 500), (1_000, 1_000)])
def test_a_cut_is_above_the_one_before_and_within_the_amount(before: int, cut: int) -> None:
    cheaper = replace(DELIVERED, cut_fen=before)
    by = (Party.PROVIDER, ON_SIDE[Party.PROVIDER])
    with pytest.raises(rules.CutOutOfRange):
        rules.check_move(
            cheaper, OrderEvent.OFFER_CUT, by=by, reason=None, accepted=None, cut_fen=cut, now=NOON
        )


@pytest.mark.parametrize(
    ("annex", "asked", "days"),
    [
        ({}, 7, 7),
        ({"acceptance_days": 9}, None, 9),
        ({"acceptance_days": 9}, 9, 9),
        ({"acceptance_days": 0}, None, 0),
    ],
)
def test_the_days_of_acceptance_are_the_contracts_or_else_the_orders(
    annex: dict[str, int], asked: int | None, days: int
) -> None:
    assert rules.delivery_terms(annex, asked, PriceModel.PER_CALL).acceptance_days == days
    with pytest.raises(rules.AcceptanceDaysDiffer):
        rules.delivery_terms({"acceptance_days": days}, days + 1, PriceModel.PER_CALL)
