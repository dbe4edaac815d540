"""The decision on one use: the rules in their order, and which of them decided. Pure."""

from collections.abc import Callable, Mapping

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

_UNSAID = "–"
"""What a refusal calls an operand of which the use says nothing."""


class FormNotPermitted(UseNotAuthorised):
    code = "contract.form-not-permitted"
    zh = "合同未允许该使用形式（{form}）；未说明的，视为未允许。"
    en = "The contract does not permit the form '{form}'; what a use does not say is not permitted."


class TerritoryNotPermitted(UseNotAuthorised):
    code = "contract.territory-not-permitted"
    zh = "使用地域不在合同约定范围内（{territory}）；未说明的，视为不在范围内。"
    en = "The contract does not permit the territory '{territory}'; what a use does not say is not permitted."


class RecipientNotPermitted(UseNotAuthorised):
    code = "contract.recipient-not-permitted"
    zh = "接收方不在合同约定范围内（{recipient}）；未说明的，视为不在范围内。"
    en = "The contract does not permit the recipient '{recipient}'; what a use does not say is not permitted."


class OnwardNotPermitted(UseNotAuthorised):
    code = "contract.onward-not-permitted"
    zh = "合同不允许再转让；使用时须说明不再转让（onward 为 false）。"
    en = "The contract permits no onward transfer: a use has to say that it is none (onward is false)."


class RateExceeded(UseNotAuthorised):
    code = "contract.rate-exceeded"
    zh = "超出合同约定的用量速率：本时段上限 {units}，已用 {used}，本次需要 {asked}。"
    en = "The contract's rate is exceeded: {units} in this period, {used} used, {asked} asked."
    retryable = True


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


def _check_form(limits: UseLimits, demand: Demand) -> None:
    form = demand.operands.form
    if limits.forms is not None and form not in limits.forms:
        raise FormNotPermitted(form=form or _UNSAID)


def _check_territory(limits: UseLimits, demand: Demand) -> None:
    """A code lies within those that begin like it: a district within its city, a city within its province."""
    territory = demand.operands.territory
    if limits.territories is not None and not (territory or _UNSAID).startswith(limits.territories):
        raise TerritoryNotPermitted(territory=territory or _UNSAID)


def _check_recipient(limits: UseLimits, demand: Demand) -> None:
    recipient = demand.operands.recipient
    if limits.recipients is not None and recipient not in limits.recipients:
        raise RecipientNotPermitted(recipient=str(recipient or _UNSAID))


def _check_onward(limits: UseLimits, demand: Demand) -> None:
    if not limits.onward and demand.operands.onward is not False:
        raise OnwardNotPermitted


def _check_rate(authorisation: Authorisation, demand: Demand) -> None:
    rate, used = authorisation.limits.rate, authorisation.in_period
    if rate is not None and used + demand.quantity > rate.units:
        raise RateExceeded(units=rate.units, used=used, asked=demand.quantity)


def _check_quota(authorisation: Authorisation, demand: Demand) -> None:
    if authorisation.left is not None and demand.quantity > authorisation.left:
        raise QuotaExhausted(left=authorisation.left, asked=demand.quantity)


LIMIT_RULES: Mapping[UseRule, Callable[[UseLimits, Demand], None]] = {
    UseRule.FORM: _check_form,
    UseRule.TERRITORY: _check_territory,
    UseRule.RECIPIENT: _check_recipient,
    UseRule.ONWARD: _check_onward,
}
"""They follow from the terms alone, whatever was used."""


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


def keeps_limits(limits: UseLimits, demand: Demand) -> bool:
    """Whether the terms alone permit it."""
    try:
        for check in LIMIT_RULES.values():
            check(limits, demand)
    except UseNotAuthorised:
        return False
    return True
