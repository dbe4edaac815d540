"""Decisions about versions of terms: whose turn it is, what may change, what differs. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from datamarket.catalogue.listings.terms import PriceModel
from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.contracts import rules as contract_rules
from datamarket.contracts.limits.terms import RatePeriod
from datamarket.contracts.negotiation.terms import ContractClause, Difference, PlanTerm
from datamarket.contracts.terms import (
    PUBLIC_GOOD_PURPOSES,
    TERMS,
    Authorisation,
    ContractEvent,
    ContractState,
    OfferEvent,
    Party,
    Purpose,
)
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.money import Fen, yuan
from datamarket.foundation.states import Labelled
from datamarket.zones.terms import UseClass

_BY_TURN = {
    (ContractState.REQUESTED, Party.PROVIDER): ContractEvent.OFFER,
    (ContractState.OFFERED, Party.BUYER): ContractEvent.REQUEST,
}
_WORDS: dict[str, type[Labelled]] = {
    ContractClause.PRICE_MODEL: PriceModel,
    ContractClause.PURPOSES: Purpose,
    ContractClause.USE_CLASS: UseClass,
    ContractClause.FORMS: DeliveryForm,
}


class OfferOutOfTurn(Conflict):
    code = "contract.offer-out-of-turn"
    zh = "现在不由您这一方提出条款：请等待对方答复，或撤回。"
    en = "It is not your side's turn to offer terms: await the other side's answer, or withdraw."


class OfferUnchanged(Invalid):
    code = "contract.offer-unchanged"
    zh = "所提条款与现有条款相同。"
    en = "The terms offered are those that stand already."


class OfferOver(Invalid):
    code = "contract.offer-over"
    zh = "条款的有效期须晚于当前时间。"
    en = "An offer is valid until after now."


class TermBegun(Refused):
    code = "contract.term-begun"
    zh = "合同已签署，期限的起始时间不可变更。"
    en = "The contract is signed: the beginning of its term does not change."


class UseClassFixed(Refused):
    code = "contract.use-class-fixed"
    zh = "合同已签署，使用类别不可变更：请另行订立合同。"
    en = "The contract is signed: its use class does not change; another class is another contract."


class QuotaBelowUsed(Refused):
    code = "contract.quota-below-used"
    zh = "用量额度 {quota} 低于已使用及已预留的 {taken}。"
    en = "The quota of {quota} is below what is used and reserved ({taken})."


class PriceCounts(Refused):
    code = "contract.price-counts"
    zh = "本合同按月累计计价，已生效的价格条款不能变更；请以新合同约定新价格。"
    en = "This contract's price counts by the month: once in force it is not amended; agree a new price in a new contract."


class AmendmentWaits(Conflict):
    code = "contract.amendment-waits"
    zh = "尚有未了结的订单或未计价的使用；缩减授权或变更价格的条款须待其了结后签署。"
    en = "Orders are open, or uses unpriced: terms that take something away, or change the price, are signed once they are settled."


def offer_event(party: Party, state: ContractState, *, open_by: str | None) -> ContractEvent:
    """What an offer of this side does now. Raises NotYourMove, OfferOutOfTurn, TransitionNotAllowed."""
    event = _BY_TURN.get((state, party), ContractEvent.AMEND)
    if party is Party.AUTHORITY:
        raise contract_rules.NotYourMove(event=event)
    if event is ContractEvent.AMEND and (state in contract_rules.NEGOTIATED or open_by == party):
        raise OfferOutOfTurn
    contract_rules.CONTRACT_LIFE.after(state, event)
    return event


def check_open(
    answer_by: datetime | None, ends_at: datetime | None, valid_until: datetime | None, now: datetime
) -> None:
    """What ends offers nothing new, what came too late neither. Raises NoticeGiven, AnswerLate, OfferOver."""
    if ends_at is not None:
        raise contract_rules.NoticeGiven(ends_at=ends_at.isoformat())
    contract_rules.check_in_time(answer_by, now)
    if valid_until is not None and valid_until <= now:
        raise OfferOver


def check_answer(event: OfferEvent, party: Party, offered_by: str) -> None:
    """The other side signs or rejects an amendment, its own side withdraws it. Raises NotYourMove."""
    own = event is OfferEvent.WITHDRAW
    if (
        party is Party.AUTHORITY
        or own != (party == offered_by)
        or event in {OfferEvent.REPLACE, OfferEvent.EXPIRE}
    ):
        raise contract_rules.NotYourMove(event=event)


def class_of(purposes: frozenset[Purpose]) -> UseClass:
    """What is for governance or welfare alone is for the public good."""
    return UseClass.PUBLIC_GOOD if purposes <= PUBLIC_GOOD_PURPOSES else UseClass.INDUSTRY


def check_amendment(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> None:
    """What both have signed, and is not over, keeps its beginning and its class. Raises TermInvalid, TermBegun, UseClassFixed."""
    contract_rules.check_term(before["term_from"], before["term_to"], now)
    if after["term_from"] != before["term_from"]:
        raise TermBegun
    if after["use_class"] != before["use_class"]:
        raise UseClassFixed


def check_in_use(
    given: Authorisation, before: Mapping[str, Any], after: Mapping[str, Any], *, unsettled: bool
) -> None:
    """What is taken stays within the quota, and what is not settled keeps its terms. Raises QuotaBelowUsed, PriceCounts, AmendmentWaits."""
    taken, quota = given.used + given.reserved, after["quota"]
    if quota is not None and quota < taken:
        raise QuotaBelowUsed(quota=quota, taken=taken)
    same_price = _same_price(before, after)
    if before["price_terms"] is not None and not same_price:
        raise PriceCounts
    takes_away = after["term_to"] < before["term_to"] or not {*before["purposes"]} <= {*after["purposes"]}
    if unsettled and (takes_away or not same_price):
        raise AmendmentWaits


def _same_price(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(
        before[name] == after[name] for name in ("price_model", "price_fen", "period_days", "price_terms")
    )


def is_priced_anew(before: Mapping[str, Any], after: Mapping[str, Any], state: str) -> bool:
    """What runs keeps its price until its term: an amendment that prolongs it, or names another price, does not."""
    kept = _same_price(before, after) and after["term_to"] <= before["term_to"]
    return state in contract_rules.NEGOTIATED or not kept


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """ContractClause by clause, in words; what is alike is left out. Raises OfferUnchanged where all is."""
    old, new = _clauses(before), _clauses(after)
    found = [
        Difference(clause, *_said(clause, old.get(clause)), *_said(clause, new.get(clause)))
        for clause in ContractClause
        if old.get(clause) != new.get(clause)
    ]
    if not found:
        raise OfferUnchanged
    return found


def _clauses(terms: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {name: terms[name] for name in TERMS if name != "annex"}
    return {**named, "purposes": sorted(named["purposes"]), **terms["annex"]}


def _plainly(value: Any) -> tuple[str, str]:
    """Whether something is permitted, a rate, a list, or what says itself."""
    if isinstance(value, bool):
        return ("允许", "permitted") if value else ("不允许", "not permitted")
    if isinstance(value, dict):
        per = RatePeriod(value["per"])
        return f"{per.zh} {value['units']}", f"{value['units']} {per.en}"
    return ("、".join(value), ", ".join(value)) if isinstance(value, list) else (str(value), str(value))


def _said(clause: ContractClause, value: Any) -> tuple[str, str]:
    """A value in Chinese and in English."""
    if value is None:
        return "无", "none"
    if isinstance(value, datetime):
        return (value.astimezone(MARKET_ZONE).isoformat(),) * 2
    if clause is ContractClause.PRICE_FEN:
        return f"{yuan(Fen(value))} 元", f"CNY {yuan(Fen(value))}"
    if clause is ContractClause.PRICE_TERMS:
        said = [(PlanTerm(name), json.dumps(found)) for name, found in value.items() if found]
        return "；".join(f"{term.zh} {found}" for term, found in said), "; ".join(
            f"{term.en} {found}" for term, found in said
        )
    if clause in _WORDS:
        words = [_WORDS[clause](word) for word in ([value] if isinstance(value, str) else value)]
        return "、".join(word.zh for word in words), ", ".join(word.en for word in words)
    return _plainly(value)
