"""The life of money set aside, and its refusals, pure."""

from datamarket.foundation.errors import Conflict, Invalid, NotFound, Refused
from datamarket.foundation.states import Life
from datamarket.ledger.holds.terms import HoldEvent, HoldState

HOLD_LIFE = Life(
    "ledger",
    "资金冻结",
    "Hold",
    {
        (HoldState.HELD, HoldEvent.POST_PART): HoldState.PARTLY_POSTED,
        (HoldState.HELD, HoldEvent.POST): HoldState.POSTED,
        (HoldState.HELD, HoldEvent.VOID): HoldState.VOIDED,
        (HoldState.HELD, HoldEvent.EXPIRE): HoldState.EXPIRED,
        (HoldState.PARTLY_POSTED, HoldEvent.POST_PART): HoldState.PARTLY_POSTED,
        (HoldState.PARTLY_POSTED, HoldEvent.POST): HoldState.POSTED,
        (HoldState.PARTLY_POSTED, HoldEvent.VOID): HoldState.VOIDED,
        (HoldState.PARTLY_POSTED, HoldEvent.EXPIRE): HoldState.EXPIRED,
    },
)
"""What `ledger_resolve_holds` and `ledger_expire_holds` do; its CHECK derives the state from the sums."""


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
