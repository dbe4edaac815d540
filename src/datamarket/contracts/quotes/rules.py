"""Decisions about quotes: what one comes to, what its note says, and which order it is good for. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from datamarket.catalogue.listings.pricing import (
    MonthSoFar,
    PriceLine,
    price_uses,
    whole_months,
    years_begun,
)
from datamarket.catalogue.listings.terms import ChargeKind, PricePlan
from datamarket.foundation.documents.dated import DatedValue, value_on
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.money import Fen

LARGEST_QUOTE = Fen(10**14)
"""No trade is larger, so none could follow."""
MATCHED = (
    "listing_id",
    "purpose",
    "use_class",
    "quantity",
    "term_from",
    "term_to",
    "price_model",
    "price_fen",
    "period_days",
    "price_terms",
)
"""What an order under a contract must have in common with the quote that it names."""


class QuoteTooLarge(Invalid):
    code = "quote.amount-too-large"
    zh = "报价金额超过单笔交易的系统上限。"
    en = "The amount of the quote exceeds the system's ceiling for one trade."


class NoQuoteTerm(Refused):
    code = "quote.no-validity-rule"
    zh = "{on} 没有有效的报价有效期规则。"
    en = "No rule of how long a quote is valid is in force on {on}."


class QuoteExpired(Refused):
    code = "quote.expired"
    zh = "报价单 {number} 已于 {expires_at} 失效，请重新询价。"
    en = "The quote {number} has expired at {expires_at}; ask for a new one."


class QuoteUsed(Conflict):
    code = "quote.used"
    zh = "该报价单已用于另一订单；一份报价单只能使用一次。"
    en = "Another order has used this quote; a quote is used once."


class QuoteMismatch(Refused):
    code = "quote.mismatch"
    zh = "订单与报价单 {number} 不符：{field} 报价时为“{quoted}”，订单为“{asked}”；请重新询价。"
    en = "The order is not what {number} quotes: {field} was '{quoted}' when quoted, and is '{asked}'; ask for a new quote."


def validity_on(terms: Sequence[DatedValue[timedelta]], on: date) -> timedelta:
    """For how long a quote of this day is valid. Raises NoQuoteTerm."""
    valid = value_on(terms, on)
    if valid is None:
        raise NoQuoteTerm(on=on.isoformat())
    return valid


def price_quote(plan: PricePlan, quantity: int, term_from: datetime, term_to: datetime) -> dict[str, Any]:
    """The plan, and what so many units cost, used in one month of which nothing was used before; and the fees of the whole term.

    Fees are a basic fee for each year that begins, and for each whole month the minimum, less what the uses pay of
    one. The lines are those of both. Raises QuoteTooLarge.
    """
    uses = price_uses(plan, MonthSoFar(), quantity)
    if uses.amount_fen > LARGEST_QUOTE:
        raise QuoteTooLarge
    years, months = years_begun(term_from, term_to), whole_months(term_from, term_to)
    lacking = plan.minimum_fen * months - min(plan.minimum_fen, uses.amount_fen) * bool(months)
    lines = [
        PriceLine(ChargeKind.BASIC, years, plan.basic_fen, plan.basic_fen * years),
        PriceLine(ChargeKind.MINIMUM, months, plan.minimum_fen, lacking),
    ]
    fees = [line for line in lines if line.amount_fen]
    return {
        "price_model": plan.model,
        "price_fen": plan.price_fen,
        "period_days": plan.period_days,
        "price_terms": plan.terms,
        "amount_fen": uses.amount_fen,
        "fees_fen": sum(line.amount_fen for line in fees),
        "lines": [line._asdict() for line in (*uses.lines, *fees)],
    }


def text_of(origin: str, facts: Mapping[str, Any]) -> str:
    """What is signed: the name of the log, then a line for each fact; no checkpoint begins like it."""
    lines = [f"{name} {json.dumps(value, default=_plain, sort_keys=True)}" for name, value in facts.items()]
    return "\n".join([f"{origin} quote", *lines]) + "\n"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def check_usable(quote: Any, asked: Mapping[str, Any], now: datetime) -> None:
    """Raises QuoteUsed, QuoteExpired, or QuoteMismatch with the first field that differs."""
    if quote.used_at is not None:
        raise QuoteUsed
    if now >= quote.expires_at:
        raise QuoteExpired(number=quote.number, expires_at=quote.expires_at.isoformat())
    for name in MATCHED:
        quoted = getattr(quote, name)
        if quoted != asked[name]:
            raise QuoteMismatch(
                number=quote.number, field=name, quoted=_told(quoted), asked=_told(asked[name])
            )


def _told(value: Any) -> str:
    return json.dumps(value, default=_plain) if isinstance(value, dict) else _plain(value)
