"""Words of a run."""

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
    CLOSE = "close"
    REJECT = "reject"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"
