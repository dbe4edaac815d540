"""Decisions of the ledger: what a valid posting is, and how a reversal mirrors its original."""

from collections.abc import Mapping, Sequence

from datamarket.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from datamarket.foundation.money import Fen, split, yuan
from datamarket.ledger.terms import (
    AccountId,
    HoldEvent,
    HoldState,
    Leg,
    PeriodEvent,
    PeriodState,
    TransferEvent,
    TransferState,
)

PERIOD_EVENTS: dict[tuple[PeriodState, PeriodEvent], PeriodState] = {
    (PeriodState.OPEN, PeriodEvent.BEGIN_CLOSING): PeriodState.CLOSING,
    (PeriodState.CLOSING, PeriodEvent.CANCEL_CLOSING): PeriodState.OPEN,
    (PeriodState.CLOSING, PeriodEvent.CLOSE): PeriodState.CLOSED,
    (PeriodState.CLOSED, PeriodEvent.REOPEN): PeriodState.OPEN,
    (PeriodState.CLOSED, PeriodEvent.ARCHIVE): PeriodState.ARCHIVED,
}
TRANSFER_EVENTS: dict[tuple[TransferState, TransferEvent], TransferState] = {
    (TransferState.SENT, TransferEvent.RECEIVE): TransferState.RECEIVED,
    (TransferState.RECEIVED, TransferEvent.SETTLE): TransferState.SETTLED,
}
HOLD_EVENTS: dict[tuple[HoldState, HoldEvent], HoldState] = {
    (HoldState.HELD, HoldEvent.POST_PART): HoldState.PARTLY_POSTED,
    (HoldState.HELD, HoldEvent.POST): HoldState.POSTED,
    (HoldState.HELD, HoldEvent.VOID): HoldState.VOIDED,
    (HoldState.HELD, HoldEvent.EXPIRE): HoldState.EXPIRED,
    (HoldState.PARTLY_POSTED, HoldEvent.POST_PART): HoldState.PARTLY_POSTED,
    (HoldState.PARTLY_POSTED, HoldEvent.POST): HoldState.POSTED,
    (HoldState.PARTLY_POSTED, HoldEvent.VOID): HoldState.VOIDED,
    (HoldState.PARTLY_POSTED, HoldEvent.EXPIRE): HoldState.EXPIRED,
}
"""What `ledger_resolve_holds` and `ledger_expire_holds` do; its CHECK derives the state from the sums."""


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


class PeriodMoveRefused(Conflict):
    code = "ledger.period-move-refused"
    zh = "会计期间的状态已经变化，不允许此项变更；请重新读取。"
    en = "The month is no longer in the state this change begins with; read it again."


class PeriodOutOfOrder(Refused):
    code = "ledger.period-out-of-order"
    zh = "会计期间须按顺序关账，并按相反顺序重新打开。"
    en = "Months are closed in their order, and reopened in the opposite one."


class OverseersOnly(Forbidden):
    code = "ledger.overseers-only"
    zh = "试算平衡与报表覆盖全市场，仅数据主管部门、财政部门与审计可以查看；您可以查看本机构的账户。"
    en = "Trial balance and reports cover the whole market: they are for authority, finance and auditors. Read your own accounts."


class SameCity(Invalid):
    code = "ledger.same-city"
    zh = "城际划转的收款城市须是另一座城市。"
    en = "A transfer between cities goes to another city."


class TransferReferenceUsed(Conflict):
    code = "ledger.transfer-reference-used"
    zh = "该编号的城际划转已经登记，不会重复划转。"
    en = "A transfer with this reference was made already; it is never made twice."


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


class HoldExists(Conflict):
    code = "ledger.hold-exists"
    zh = "该业务已有冻结，不会重复冻结。"
    en = "This business has its hold already; money is never held twice for it."


class HoldResolved(Conflict):
    code = "ledger.hold-resolved"
    zh = "该冻结已了结，不会再次了结。"
    en = "The hold is resolved already; it is resolved once."


class HoldExceeded(Refused):
    code = "ledger.hold-exceeded"
    zh = "入账金额须大于零且不超过冻结余额。"
    en = "What is posted must be above zero and within what is still held."


class HoldLapsed(Refused):
    code = "ledger.hold-lapsed"
    zh = "该冻结已过有效期，不能再入账。"
    en = "The hold's time is over; nothing is posted from it any more."


class HoldUnknown(NotFound):
    code = "ledger.hold-unknown"
    zh = "没有这笔冻结。"
    en = "There is no such hold."


class HoldExpiryPast(Invalid):
    code = "ledger.hold-expiry-past"
    zh = "冻结的有效期须晚于当前时间。"
    en = "A hold must expire after now."
