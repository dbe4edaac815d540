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


class RunPart(Labelled):
    """What the events of a run tell, under the words of their facts; then what only a bundle of it holds."""

    SCHEME = "scheme_sha256", "方案", "scheme"
    SNAPSHOT = "snapshot_sha256", "快照", "snapshot"
    SNAPSHOT_ROW = "snapshot_row_sha256", "快照附记", "what is kept beside the snapshot"
    RESULT = "result_sha256", "结果", "result"
    TOTAL = "total_fen", "合计", "total"
    LINES = "lines_sha256", "明细", "lines"
    PAYEES = "payees", "收款明细", "lines of payees"
    ROW = "row", "运行登记", "row of the run"
    EVENTS = "events", "审计事件数", "number of audit events"
    LEAF = "leaf", "已封存的审计事件", "sealed audit event"
    ENGINE = "engine_id", "计算程序", "engine"
    FACTS = "facts", "取数语句", "statement of a fact"
    PARAMETERS = "parameters", "当年参数", "parameters of the year"
    CHECKPOINT = "checkpoint", "检查点", "checkpoint"
