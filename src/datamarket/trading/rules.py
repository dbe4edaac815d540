"""Price and split of one sale, pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from datamarket.catalogue.listings.pricing import most
from datamarket.catalogue.listings.terms import PricePlan
from datamarket.contracts.accounts import payees
from datamarket.contracts.terms import FrozenTerms
from datamarket.foundation.clock import business_date
from datamarket.foundation.documents.dated import DatedValue, value_on
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.money import Fen, apply_rate
from datamarket.foundation.money import split as share
from datamarket.ledger.terms import AccountKey, AccountKind, Leg
from datamarket.trading.terms import RevenueRule, Sale, Split, TradeState

BASIS_POINTS = 10_000
LARGEST_TRADE = Fen(10**14)


class AmountTooLarge(Invalid):
    code = "trade.amount-too-large"
    zh = "单笔交易金额超过系统上限。"
    en = "The amount of one trade exceeds the system's ceiling."


class NoRevenueRule(Refused):
    code = "trade.no-revenue-rule"
    zh = "{on} 没有有效的收益分配规则。"
    en = "No revenue rule is in force on {on}."


class UseNotDue(Conflict):
    code = "trade.use-not-due"
    zh = "需方可在 {until} 之前自行对该次使用计价，此后供方方可计价。"
    en = "Until {until} the pricing of this use is left to its buyer; from then on the seller may price it."


def seller_prices_from(used_at: datetime, waits: Sequence[DatedValue[timedelta]]) -> datetime:
    """From when the seller may price a use that its buyer leaves unpriced: by the rule of the day of use.

    Raises NoRevenueRule.
    """
    on = business_date(used_at)
    wait = value_on(waits, on)
    if wait is None:
        raise NoRevenueRule(on=on.isoformat())
    return used_at + wait


def price(plan: PricePlan, quantity: int) -> Fen:
    """Units times the frozen price; the most that it can be, where it depends on the month. Raises AmountTooLarge."""
    amount = most(plan, quantity)
    if amount > LARGEST_TRADE:
        raise AmountTooLarge
    return amount


def rule_at(rules: Sequence[RevenueRule], on: date) -> RevenueRule:
    """The rule in force on a business day (half-open). Raises NoRevenueRule."""
    for rule in rules:
        if rule.valid_from <= on and (rule.valid_to is None or on < rule.valid_to):
            return rule
    raise NoRevenueRule(on=on.isoformat())


def divide(gross: Fen, terms: FrozenTerms, rule: RevenueRule) -> Split:
    """Gross → VAT → net → venue fee → split base → supplying units, operator, provider.

    The tax is inside the price: gross · rate / (1 + rate), half up; so is the venue's fee on the net.
    The base is divided over marginal brackets, exactly, and cut to fen by the largest remainder; a
    product on the provider's own data leaves the whole base to the provider.
    """
    vat = apply_rate(gross, rule.vat_inside)
    fee = apply_rate(Fen(gross - vat), Fraction(terms.venue_fee_bps, BASIS_POINTS))
    base = Fen(gross - vat - fee)
    if terms.operator_id is None or not terms.suppliers or base == 0:
        return Split(vat, fee, Fen(0), Fen(0), base)
    supplying, operator = bracket_shares(base, rule)
    parts = share(base, [supplying, operator, base * rule.unit - supplying - operator])
    return Split(vat, fee, parts[0], parts[1], parts[2])


def bracket_shares(base: Fen, rule: RevenueRule) -> tuple[int, int]:
    """The exact shares of supplying units and operator over marginal brackets, in the rule's `unit`."""
    supplying = operator = 0
    for above, ceiling, to_supplying, to_operator in rule.slices:
        if base <= above:
            break
        within = (base if ceiling is None else min(base, ceiling)) - above
        supplying += within * to_supplying
        operator += within * to_operator
    return supplying, operator


@lru_cache(maxsize=1024)
def sale(
    ledger_id: int, terms: FrozenTerms, quantity: int, rule: RevenueRule, charged: Fen | None = None
) -> Sale:
    """Price, or what is `charged` by a plan that counts, division and legs in one.

    Terms are frozen and metered calls repeat, so it is remembered. Raises AmountTooLarge.
    """
    amount = price(terms.plan, quantity) if charged is None else charged
    parts = divide(amount, terms, rule)
    return Sale(terms, quantity, amount, parts, legs_of(ledger_id, terms, parts), rule.id)


def legs_of(ledger_id: int, terms: FrozenTerms, parts: Split) -> tuple[Leg, ...]:
    """The entry of one sale: the buyer's funds on the debit side, every receiver on the credit side.

    Several supplying units share their part equally, by the largest remainder; receivers that keep the
    same account are one leg.
    """
    to = payees(ledger_id, terms)
    owed = [(to.vat, parts.vat_fen), (to.venue_fee, parts.venue_fee_fen)]
    if parts.supplying_fen:
        owed += zip(to.suppliers, share(parts.supplying_fen, [1] * len(to.suppliers)), strict=True)
    if to.operator is not None:
        owed.append((to.operator, parts.operator_fen))
    owed.append((to.provider, parts.provider_fen))
    credits_: dict[AccountKey, int] = {}
    for account, amount in owed:
        if amount:
            credits_[account] = credits_.get(account, 0) + amount
    funds = AccountKey(ledger_id, terms.buyer_id, AccountKind.BUYER_FUNDS).id
    return (
        Leg(funds, Fen(parts.gross_fen)),
        *[Leg(account.id, Fen(-amount)) for account, amount in credits_.items()],
    )


def state_after_refund(amount_fen: int, refunded_fen: int) -> TradeState:
    """Refunded wholly, partly, or not."""
    if refunded_fen == 0:
        return TradeState.SETTLED
    return TradeState.REFUNDED if refunded_fen == amount_fen else TradeState.PARTLY_REFUNDED
