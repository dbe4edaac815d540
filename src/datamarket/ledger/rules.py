"""Decisions of the ledger: what a valid posting is, and how a reversal mirrors its original."""

from collections.abc import Mapping, Sequence

from datamarket.foundation.errors import Conflict, Forbidden, Invalid, MarketError, Refused
from datamarket.foundation.money import Fen, split, yuan
from datamarket.ledger.terms import AccountId, Leg


class EntryUnbalanced(Invalid):
    code = "ledger.entry-unbalanced"
    zh = "分录借贷不平或行数不足：每笔分录至少两行、无零额、合计为零。"
    en = "The entry does not balance: at least two legs, none zero, together zero."


class RefundExceeds(Refused):
    code = "ledger.refund-exceeds"
    zh = "退款 {asked} 元超过尚可退的 {left} 元。"
    en = "The refund of {asked} CNY exceeds the {left} CNY that are left to refund."


class FundsInsufficient(Refused):
    code = "ledger.funds-insufficient"
    zh = "预存资金不足，未记账；请先充值。"
    en = "The buyer's funds do not suffice; nothing was posted. Deposit first."


class AlreadyPosted(Conflict):
    code = "ledger.already-posted"
    zh = "该业务已记账，不会重复记账。"
    en = "This business is posted already; it is never posted twice."


class PeriodClosed(Conflict):
    code = "ledger.period-closed"
    zh = "会计期间已关闭，且没有可记账的当前期间。"
    en = "The accounting period is closed, and so is the current one."


ONE_POSTING: Mapping[str, type[MarketError]] = {
    "ledger_balance_not_overdrawn": FundsInsufficient,
    "business_key_pkey": AlreadyPosted,
    "ledger_period_open": PeriodClosed,
}
"""Constraints that one posting among many may break, and what each then means."""


class OverseersOnly(Forbidden):
    code = "ledger.overseers-only"
    zh = "试算平衡与报表覆盖全市场，仅数据主管部门、财政部门与审计可以查看；您可以查看本机构的账户。"
    en = "Trial balance and reports cover the whole market: they are for authority, finance and auditors. Read your own accounts."


def check_balanced(legs: Sequence[Leg]) -> None:
    """I1. Raises EntryUnbalanced."""
    if len(legs) < 2 or any(leg.amount_fen == 0 for leg in legs) or sum(leg.amount_fen for leg in legs) != 0:
        raise EntryUnbalanced


def mirror(original: Sequence[Leg], refunded: Mapping[AccountId, int], amount: Fen) -> tuple[Leg, ...]:
    """The legs that give `amount` back: the original's, reversed, in proportion to what is left of each.

    `refunded` holds what earlier refunds took from each leg (positive). Because each share is cut from
    what is left, no leg is ever refunded beyond its amount, and the last refund takes the rest exactly.
    Raises RefundExceeds.
    """
    left = {leg.account_id: abs(leg.amount_fen) - refunded.get(leg.account_id, 0) for leg in original}
    debits = [leg.account_id for leg in original if leg.amount_fen > 0]
    credits_ = [leg.account_id for leg in original if leg.amount_fen < 0]
    if amount > sum(left[account] for account in debits):
        raise RefundExceeds(asked=yuan(amount), left=yuan(sum(left[account] for account in debits)))
    given = split(amount, [left[account] for account in debits])
    taken = split(amount, [left[account] for account in credits_])
    legs = [Leg(account, Fen(-part)) for account, part in zip(debits, given, strict=True)]
    legs += [Leg(account, part) for account, part in zip(credits_, taken, strict=True)]
    return tuple(leg for leg in legs if leg.amount_fen)
