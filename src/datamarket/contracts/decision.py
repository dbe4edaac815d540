"""The decision on one use: the rules in their order, and which of them decided. Pure."""

from collections.abc import Callable, Mapping

from datamarket.contracts.limits.rules import LIMIT_RULES, RateExceeded
from datamarket.contracts.limits.terms import UseLimits
from datamarket.contracts.rules import (
    ContractNotActive,
    OutsideTerm,
    PurposeNotAuthorised,
    QuotaExhausted,
    TermsReplaced,
    UseAhead,
    UseNotAuthorised,
    UseTooLate,
    check_standing,
)
from datamarket.contracts.terms import Authorisation, ContractState, Demand, UseRule


def _check_state(authorisation: Authorisation, _demand: Demand) -> None:
    if authorisation.state is not ContractState.ACTIVE:
        raise ContractNotActive(state=authorisation.state)


def _check_within_term(authorisation: Authorisation, demand: Demand) -> None:
    if demand.recorded_at is not None and demand.at > demand.recorded_at:
        raise UseAhead
    since = authorisation.recorded_from
    if since is not None and demand.at < since:
        raise UseTooLate(since=since.isoformat())
    if not authorisation.term_from <= demand.at < authorisation.term_to:
        raise OutsideTerm


def _check_version(authorisation: Authorisation, demand: Demand) -> None:
    if demand.terms_number not in {None, authorisation.terms_number}:
        raise TermsReplaced


def _check_purpose(authorisation: Authorisation, demand: Demand) -> None:
    if demand.purpose not in authorisation.purposes:
        raise PurposeNotAuthorised(purpose=demand.purpose)


def _check_rate(authorisation: Authorisation, demand: Demand) -> None:
    rate, used = authorisation.limits.rate, authorisation.in_period
    if rate is not None and used + demand.quantity > rate.units:
        raise RateExceeded(units=rate.units, used=used, asked=demand.quantity)


def _check_quota(authorisation: Authorisation, demand: Demand) -> None:
    if authorisation.left is not None and demand.quantity > authorisation.left:
        raise QuotaExhausted(left=authorisation.left, asked=demand.quantity)


def _of_limits(check: Callable[[UseLimits, Demand], None]) -> Callable[[Authorisation, Demand], None]:
    return lambda authorisation, demand: check(authorisation.limits, demand)


USE_RULES: Mapping[UseRule, Callable[[Authorisation, Demand], None]] = {
    UseRule.STATE: _check_state,
    UseRule.TERM: _check_within_term,
    UseRule.CHAIN: lambda authorisation, demand: check_standing(authorisation, demand.at),
    UseRule.VERSION: _check_version,
    UseRule.PURPOSE: _check_purpose,
    **{rule: _of_limits(check) for rule, check in LIMIT_RULES.items()},
    UseRule.RATE: _check_rate,
    UseRule.QUOTA: _check_quota,
}


def decide_use(authorisation: Authorisation, demand: Demand) -> tuple[UseRule, UseNotAuthorised | None]:
    """The rule that decides one use, and its refusal: the first that denies, or the last where all permit."""
    for rule, check in USE_RULES.items():
        try:
            check(authorisation, demand)
        except UseNotAuthorised as refusal:
            return rule, refusal
    return rule, None


def check_use(authorisation: Authorisation, demand: Demand) -> None:
    """Raises the refusal of the rule that decides, if it denies."""
    _, refusal = decide_use(authorisation, demand)
    if refusal is not None:
        raise refusal
