"""Words of a run, and of awards that are held."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class RunState(Labelled):
    DRAFT = "draft", "草稿", "draft"
    SNAPSHOTTED = "snapshotted", "已取数", "snapshotted"
    CALCULATED = "calculated", "已计算", "calculated"
    UNDER_REVIEW = "under_review", "审核中", "under review"
    PUBLICISED = "publicised", "公示中", "publicised"
    APPROVED = "approved", "已批准", "approved"
    POSTED = "posted", "已记账", "posted"
    PAYING = "paying", "支付中", "paying"
    PAID = "paid", "已支付", "paid"
    CLOSED = "closed", "已办结", "closed"
    REJECTED = "rejected", "已驳回", "rejected"
    CANCELLED = "cancelled", "已取消", "cancelled"
    SUPERSEDED = "superseded", "已被替代", "superseded"


class RunEvent(StrEnum):
    SNAPSHOT = "snapshot"
    CALCULATE = "calculate"
    SUBMIT = "submit"
    PUBLICISE = "publicise"
    APPROVE = "approve"
    POST = "post"
    PAY = "pay"
    SETTLE = "settle"
    CLOSE = "close"
    REJECT = "reject"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"


class AwardHoldState(Labelled):
    """An award whose payee, case or payment stands no more waits, goes on, or is not paid."""

    HELD = "held", "已暂缓", "held"
    RELEASED = "released", "已恢复", "released"
    FORGONE = "forgone", "不予支付", "forgone"


class AwardHoldCause(Labelled):
    """Why an award waits: the standing of its payee, what became of its case, or the bank."""

    SUSPENDED = "suspended", "主体已暂停", "its payee is suspended"
    WITHDRAWN = "withdrawn", "主体已退出", "its payee has withdrawn"
    REVOKED = "revoked", "案例已撤销", "its case is revoked"
    CORRECTED = "corrected", "案例在取数后更正", "its case was corrected after the snapshot"
    REFUSED = "refused", "银行退回", "the bank refused to pay it"


class AwardHoldEvent(StrEnum):
    RELEASE = "release"
    FORGO = "forgo"
