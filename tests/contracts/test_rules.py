"""Decisions about contracts, without a database: parties and their moves, terms, purposes, prices, uses."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.contracts import decision, rules
from datamarket.contracts.terms import (
    PUBLIC_GOOD_PURPOSES,
    Authorisation,
    ContractEvent,
    ContractState,
    Demand,
    Party,
    Purpose,
    UseRule,
)
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.foundation.states import ReasonMissing, TransitionNotAllowed
from datamarket.zones.terms import UseClass
from tests.world.people import NOON, actor

PROVIDER, BUYER, STRANGER, CONTRACT = (UUID(int=number) for number in (1, 2, 3, 4))
MOMENT, YEAR = timedelta(microseconds=1), timedelta(days=365)
LIFE = {
    "requested": {
        "offer": "offered",
        "agree": "agreed",
        "reject": "rejected",
        "withdraw": "withdrawn",
        "expire": "expired",
    },
    "offered": {"request": "requested", "accept": "accepted", "withdraw": "withdrawn", "expire": "expired"},
    "accepted": {"agree": "agreed", "reject": "rejected", "withdraw": "withdrawn", "expire": "expired"},
    "agreed": {"sign": "part_signed", "withdraw": "withdrawn", "expire": "expired"},
    "part_signed": {"sign": "active", "withdraw": "withdrawn", "expire": "expired"},
    "active": {
        "amend": "active",
        "notice": "active",
        "suspend": "suspended",
        "terminate": "ended",
        "expire": "expired",
    },
    "suspended": {
        "amend": "suspended",
        "notice": "suspended",
        "resume": "active",
        "terminate": "ended",
        "expire": "expired",
    },
}
MOVERS = {
    "offer": "provider",
    "request": "buyer",
    "accept": "buyer",
    "amend": "provider buyer",
    "notice": "",
    "agree": "provider",
    "reject": "provider",
    "withdraw": "provider buyer",
    "sign": "provider buyer",
    "suspend": "provider authority",
    "resume": "provider authority",
    "terminate": "provider buyer authority",
    "expire": "",
}
WITH_REASON = {"reject", "withdraw", "suspend", "terminate"}
PLANS = st.one_of(
    st.builds(
        PricePlan,
        st.sampled_from([PriceModel.PER_CALL, PriceModel.ONE_OFF]),
        st.integers(1, 10**12).map(Fen),
    ),
    st.builds(
        PricePlan, st.just(PriceModel.PER_PERIOD), st.integers(1, 10**12).map(Fen), st.integers(1, 3660)
    ),
    st.just(PricePlan(PriceModel.FREE, Fen(0))),
)
QUOTAS = st.none() | st.integers(1, 10**9)
PURPOSES = st.frozensets(st.sampled_from(Purpose), min_size=1)


@pytest.mark.parametrize(("state", "event"), list(product(ContractState, ContractEvent)))
def test_a_contract_moves_exactly_as_the_table_says(state: ContractState, event: ContractEvent) -> None:
    expected = LIFE.get(state.value, {}).get(event.value)
    if expected is None:
        with pytest.raises(TransitionNotAllowed):
            rules.CONTRACT_LIFE.after(state, event)
    else:
        assert rules.CONTRACT_LIFE.after(state, event) == expected


@pytest.mark.parametrize(("event", "party"), list(product(ContractEvent, Party)))
def test_each_event_is_made_by_its_parties_and_the_hard_ones_say_why(
    event: ContractEvent, party: Party
) -> None:
    if party.value not in MOVERS[event.value].split():
        with pytest.raises(rules.NotYourMove) as refused:
            rules.check_move(event, party, "理由")
        assert refused.value.facts == {"event": event}
        return
    rules.check_move(event, party, "理由")
    for nothing in (None, "", " \n"):
        if event.value in WITH_REASON:
            with pytest.raises(ReasonMissing) as asked:
                rules.check_move(event, party, nothing)
            assert asked.value.code == "contract.reason-missing"
        else:
            rules.check_move(event, party, nothing)


def test_a_missing_reason_is_not_asked_of_whose_move_it_is_not() -> None:
    with pytest.raises(rules.NotYourMove):
        rules.check_move(ContractEvent.REJECT, Party.BUYER, None)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (actor(Role.PROVIDER, organisation=PROVIDER), Party.PROVIDER),
        (actor(Role.BUYER, organisation=BUYER), Party.BUYER),
        (actor(Role.AUTHORITY), Party.AUTHORITY),
        (actor(Role.AUTHORITY, organisation=STRANGER), Party.AUTHORITY),
        (actor(Role.AUTHORITY, organisation=BUYER), Party.BUYER),
    ],
)
def test_an_own_side_goes_before_the_office(who: Actor, expected: Party) -> None:
    assert rules.party_of(who, provider_id=PROVIDER, buyer_id=BUYER) is expected


@pytest.mark.parametrize(
    "who",
    [
        actor(Role.PROVIDER, Role.BUYER, organisation=STRANGER),
        actor(Role.FINANCE),
        actor(Role.AUDITOR),
        actor(Role.ADMIN),
        actor(Role.BUYER),
    ],
)
def test_who_is_no_side_of_a_contract_moves_nothing(who: Actor) -> None:
    with pytest.raises(rules.NotYourMove):
        rules.party_of(who, provider_id=PROVIDER, buyer_id=BUYER)


@pytest.mark.parametrize(
    ("term_from", "term_to"),
    [
        (NOON, NOON + MOMENT),
        (NOON - YEAR, NOON + MOMENT),
        (NOON + YEAR, NOON + YEAR + MOMENT),
    ],
)
def test_a_term_lasts_at_least_a_moment_from_now(term_from: datetime, term_to: datetime) -> None:
    rules.check_term(term_from, term_to, NOON)


@pytest.mark.parametrize(
    ("term_from", "term_to"),
    [
        (NOON + YEAR, NOON + YEAR),
        (NOON + YEAR, NOON + YEAR - MOMENT),
        (NOON - YEAR, NOON),
        (NOON - YEAR, NOON - MOMENT),
    ],
)
def test_a_term_that_is_empty_or_over_is_refused(term_from: datetime, term_to: datetime) -> None:
    with pytest.raises(rules.TermInvalid):
        rules.check_term(term_from, term_to, NOON)


@given(PURPOSES, st.sampled_from(UseClass), st.none() | st.sampled_from(UseClass))
def test_all_purposes_are_of_the_contracts_class_and_the_scenario_allows_it(
    purposes: frozenset[Purpose], use_class: UseClass, scenario: UseClass | None
) -> None:
    classes = {
        UseClass.PUBLIC_GOOD if purpose in PUBLIC_GOOD_PURPOSES else UseClass.INDUSTRY for purpose in purposes
    }
    expected: type[MarketError] | None = None
    if classes != {use_class}:
        expected = rules.PurposeClassMismatch
    elif (scenario, use_class) == (UseClass.PUBLIC_GOOD, UseClass.INDUSTRY):
        expected = rules.ScenarioClassMismatch
    if expected is None:
        rules.check_purposes(purposes, use_class, scenario)
    else:
        with pytest.raises(expected):
            rules.check_purposes(purposes, use_class, scenario)


def test_the_public_good_is_governance_and_welfare() -> None:
    assert {"public_governance", "public_welfare"} == PUBLIC_GOOD_PURPOSES


@given(PLANS, st.sampled_from(UseClass), st.booleans())
def test_only_public_data_for_the_public_good_becomes_free(
    plan: PricePlan, use_class: UseClass, on_public_data: bool
) -> None:
    frozen = rules.freeze_plan(plan, use_class, on_public_data=on_public_data)
    if on_public_data and use_class is UseClass.PUBLIC_GOOD:
        assert frozen == PricePlan(PriceModel.FREE, Fen(0), None)
    else:
        assert frozen == plan
    assert rules.freeze_plan(frozen, use_class, on_public_data=on_public_data) == frozen


@given(PLANS, QUOTAS)
def test_a_one_off_purchase_is_one_unit_and_any_other_what_was_agreed(
    plan: PricePlan, quota: int | None
) -> None:
    assert rules.quota_of(plan, quota) == (1 if plan.model is PriceModel.ONE_OFF else quota)


def authorisation(
    state: ContractState = ContractState.ACTIVE,
    *,
    purposes: frozenset[Purpose] = frozenset({Purpose.RESEARCH}),
    quota: int | None = 10,
    used: int = 0,
) -> Authorisation:
    """From noon, for a year."""
    return Authorisation(state, NOON, NOON + YEAR, purposes, quota, used)


def demand(quantity: int = 1, *, purpose: Purpose = Purpose.RESEARCH, at: datetime = NOON) -> Demand:
    return Demand(CONTRACT, BUYER, purpose, quantity, at)


@pytest.mark.parametrize("state", [state for state in ContractState if state is not ContractState.ACTIVE])
def test_only_an_active_contract_is_used(state: ContractState) -> None:
    with pytest.raises(rules.ContractNotActive) as refused:
        decision.check_use(authorisation(state), demand())
    assert refused.value.facts == {"state": state}


@pytest.mark.parametrize("at", [NOON, NOON + YEAR - MOMENT])
def test_the_first_and_the_last_moment_of_the_term_count(at: datetime) -> None:
    decision.check_use(authorisation(), demand(at=at))


@pytest.mark.parametrize("at", [NOON - MOMENT, NOON + YEAR, datetime(9999, 12, 31, tzinfo=UTC)])
def test_before_the_term_and_from_its_end_on_nothing_is_used(at: datetime) -> None:
    with pytest.raises(rules.OutsideTerm):
        decision.check_use(authorisation(), demand(at=at))


@given(PURPOSES, st.sampled_from(Purpose))
def test_a_purpose_that_the_contract_does_not_name_is_refused(
    purposes: frozenset[Purpose], purpose: Purpose
) -> None:
    if purpose in purposes:
        decision.check_use(authorisation(purposes=purposes), demand(purpose=purpose))
        return
    with pytest.raises(rules.PurposeNotAuthorised) as refused:
        decision.check_use(authorisation(purposes=purposes), demand(purpose=purpose))
    assert refused.value.facts == {"purpose": purpose}


@pytest.mark.parametrize(("used", "quantity"), [(0, 10), (9, 1), (4, 6)])
def test_a_quota_may_be_used_up_to_its_last_unit(used: int, quantity: int) -> None:
    decision.check_use(authorisation(used=used), demand(quantity))


@pytest.mark.parametrize(("used", "quantity"), [(0, 11), (9, 2), (10, 1)])
def test_one_unit_more_than_is_left_is_refused_and_told(used: int, quantity: int) -> None:
    with pytest.raises(rules.QuotaExhausted) as refused:
        decision.check_use(authorisation(used=used), demand(quantity))
    assert refused.value.facts == {"left": 10 - used, "asked": quantity}


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_without_a_quota_any_quantity_passes(used: int, quantity: int) -> None:
    decision.check_use(authorisation(quota=None, used=used), demand(quantity))


@given(st.lists(st.integers(1, 12), max_size=12), st.integers(1, 30))
def test_no_row_of_uses_ever_oversteps_the_quota(quantities: list[int], quota: int) -> None:
    used = 0
    for quantity in quantities:
        try:
            decision.check_use(authorisation(quota=quota, used=used), demand(quantity))
        except rules.QuotaExhausted:
            assert used + quantity > quota
        else:
            used += quantity
    assert used <= quota


ANY_AUTHORISATION = st.builds(
    authorisation, st.sampled_from(ContractState), purposes=PURPOSES, used=st.integers(0, 10)
)
ANY_DEMAND = st.builds(
    demand,
    st.integers(1, 12),
    purpose=st.sampled_from(Purpose),
    at=st.sampled_from([NOON - MOMENT, NOON, NOON + YEAR]),
)


@given(ANY_AUTHORISATION, ANY_DEMAND)
def test_the_refusal_that_comes_first_is_the_one_that_is_said(granted: Authorisation, asked: Demand) -> None:
    refusals = [
        (rules.ContractNotActive, granted.state is not ContractState.ACTIVE),
        (rules.OutsideTerm, asked.at != NOON),
        (rules.PurposeNotAuthorised, asked.purpose not in granted.purposes),
        (rules.QuotaExhausted, granted.used + asked.quantity > 10),
    ]
    expected = next((refusal for refusal, holds in refusals if holds), None)
    rule, told = decision.decide_use(granted, asked)
    assert (type(told) if told else None) is expected
    if expected is None:
        assert rule is list(UseRule)[-1]
        decision.check_use(granted, asked)
        return
    with pytest.raises(rules.UseNotAuthorised) as refused:
        decision.check_use(granted, asked)
    assert type(refused.value) is expected
