"""Types of events: `market.`, then the action of the audit event. What is not here is told to overseers alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from datamarket.foundation.states import Labelled

PREFIX = "market."


class EventType(Labelled):
    """What happened: stable words, to filter and to subscribe by."""

    PARTICIPANT_REGISTERED = "market.participants.register", "主体登记", "organisation registered"
    PARTICIPANT_RENAMED = "market.participants.rename", "主体更名", "organisation renamed"
    PARTICIPANT_ADMITTED = "market.participants.admit", "主体准入", "organisation admitted"
    PARTICIPANT_SUSPENDED = "market.participants.suspend", "主体暂停", "organisation suspended"
    PARTICIPANT_RESTORED = "market.participants.restore", "主体恢复", "organisation restored"
    PARTICIPANT_WITHDRAWN = "market.participants.withdraw", "主体退出", "organisation withdrawn"
    PARTICIPANT_QUALIFIED = "market.participants.qualify", "取得资质", "qualification given"
    QUALIFICATION_EXPIRED = "market.participants.expire-qualification", "资质到期", "qualification expired"
    AFFILIATED = "market.participants.affiliate", "登记控制关系", "affiliation registered"
    AFFILIATION_ENDED = "market.participants.end-affiliation", "控制关系终止", "affiliation ended"
    ZONE_FOUNDED = "market.zones.found", "设立专区", "zone founded"
    ZONE_OPENED = "market.zones.open", "专区开区", "zone opened"
    ZONE_CLOSED = "market.zones.close", "专区关闭", "zone closed"
    ZONE_REOPENED = "market.zones.reopen", "专区重新开区", "zone opened again"
    SCENARIO_ADDED = "market.zones.add-scenario", "新增场景", "scenario added"
    MANDATE_GRANTED = "market.zones.grant-mandate", "授予授权", "mandate granted"
    MANDATE_RENEWED = "market.zones.renew-mandate", "授权续期", "mandate renewed"
    MANDATE_EVALUATED = "market.zones.evaluate-mandate", "授权运营评估", "mandate evaluated"
    MANDATE_WITHDRAWN = "market.zones.withdraw-mandate", "收回授权", "mandate withdrawn"
    MANDATE_REINSTATED = "market.zones.reinstate-mandate", "恢复授权", "mandate reinstated"
    MANDATE_EXPIRED = "market.zones.expire-mandate", "授权到期", "mandate expired"
    UNDERTAKING_GIVEN = "market.zones.give-undertaking", "承诺续期", "renewal undertaken"
    UNDERTAKING_FULFILLED = (
        "market.zones.undertaking-fulfilled",
        "续期承诺已履行",
        "undertaking to renew fulfilled",
    )
    UNDERTAKING_OVERDUE = "market.zones.undertaking-overdue", "续期承诺逾期", "undertaking to renew overdue"
    RESOURCE_DRAFTED = "market.zones.register-resource", "新建资源登记", "registration begun"
    RESOURCE_EDITED = "market.zones.edit-resource", "修改资源", "resource edited"
    RESOURCE_AMENDED = "market.zones.amend-resource", "资源变更", "resource amended"
    LEVEL_ASSESSED = "market.zones.assess-level", "重新定级", "level assessed"
    RESOURCE_SUBMITTED = "market.zones.resource-submit", "资源登记提交", "registration submitted"
    RESOURCE_ACCEPTED = "market.zones.resource-accept", "资源登记受理", "registration accepted"
    RESOURCE_REVIEWED = "market.zones.resource-review", "资源登记审核通过", "registration reviewed"
    RESOURCE_PUBLICISED = "market.zones.resource-publicise", "资源登记公示", "registration publicised"
    RESOURCE_CODED = "market.zones.resource-code", "资源赋码", "registration coded"
    RESOURCE_RETURNED = "market.zones.resource-return", "资源登记退回", "registration returned"
    RESOURCE_REJECTED = "market.zones.resource-reject", "资源不予登记", "registration rejected"
    RESOURCE_RENEWED = "market.zones.resource-renew", "资源登记续期", "registration renewed"
    RESOURCE_CANCELLED = "market.zones.resource-cancel", "资源登记注销", "registration cancelled"
    VENUE_OPENED = "market.catalogue.open-venue", "平台开业", "venue opened"
    VENUE_EDITED = "market.catalogue.edit-venue", "修改平台", "venue edited"
    VENUE_CLOSED = "market.catalogue.close-venue", "平台停业", "venue closed"
    VENUE_REOPENED = "market.catalogue.reopen-venue", "平台恢复营业", "venue opened again"
    CEILING_SET = "market.catalogue.set-ceiling", "设定上限价格", "ceiling of a price set"
    RESET_DEMANDED = "market.catalogue.demand-reset", "上限价格须重新核定", "ceiling to be reset"
    INCOME_FILED = "market.prices.file-income", "申报准许收入", "permitted income filed"
    INCOME_REVIEWED = "market.prices.review-income", "准许收入审核", "permitted income reviewed"
    INCOME_APPROVED = "market.prices.approve-income", "准许收入核定", "permitted income approved"
    INCOME_RETURNED = "market.prices.return-income", "准许收入退回", "permitted income returned"
    INCOME_COMPARED = "market.prices.compare-income", "年度收入比对", "income of a year compared"
    REPORT_LATE = "market.prices.report-late", "年度价格报告逾期", "yearly price report late"
    PRODUCT_MADE = "market.catalogue.make-product", "新建产品", "product made"
    VERSION_MADE = "market.catalogue.make-version", "新建产品版本", "product version made"
    PRODUCT_EDITED = "market.catalogue.edit-product", "修改产品", "product edited"
    PRODUCT_SUBMITTED = "market.catalogue.submit-product", "产品送审", "product submitted"
    PRODUCT_RETURNED = "market.catalogue.return-product", "产品退回修改", "product returned"
    PRODUCT_APPROVED = "market.catalogue.approve-product", "产品审查通过", "product approved"
    PRODUCT_REJECTED = "market.catalogue.reject-product", "产品审查不通过", "product rejected"
    PRODUCT_RETIRED = "market.catalogue.retire-product", "产品退役", "product retired"
    PRODUCT_RECALLED = "market.catalogue.recall-product", "产品召回", "product recalled"
    PRODUCT_REINSTATED = "market.catalogue.reinstate-product", "产品恢复", "product reinstated"
    PRODUCT_MEASURED = "market.catalogue.measure-product", "登记质量测评", "quality of a product measured"
    PRODUCT_LISTED = "market.catalogue.list-product", "新建挂牌", "listing made"
    LISTING_EDITED = "market.catalogue.edit-listing", "修改挂牌", "listing edited"
    LISTING_SUBMITTED = "market.catalogue.submit-listing", "挂牌提交", "listing submitted"
    LISTING_PUBLISHED = "market.catalogue.publish-listing", "挂牌发布", "listing published"
    LISTING_RETURNED = "market.catalogue.return-listing", "挂牌退回", "listing returned"
    LISTING_SUSPENDED = "market.catalogue.suspend-listing", "挂牌暂停", "listing suspended"
    LISTING_RESUMED = "market.catalogue.resume-listing", "挂牌恢复", "listing resumed"
    LISTING_DELISTED = "market.catalogue.delist-listing", "摘牌", "listing delisted"
    LISTING_STOPPED = "market.catalogue.stop-listing", "挂牌因授权停止", "listing stopped with its authority"
    LISTING_RESTORED = (
        "market.catalogue.restore-listing",
        "挂牌随授权恢复",
        "listing restored with its authority",
    )
    CONTRACT_REQUESTED = "market.contracts.request", "请求合同", "contract requested"
    CONTRACT_AGREED = "market.contracts.agree", "合同达成一致", "contract agreed"
    CONTRACT_REJECTED = "market.contracts.reject", "合同请求被拒绝", "contract rejected"
    CONTRACT_WITHDRAWN = "market.contracts.withdraw", "合同请求撤回", "contract withdrawn"
    CONTRACT_SIGNED = "market.contracts.sign", "合同签署", "contract signed"
    CONTRACT_SUSPENDED = "market.contracts.suspend", "合同中止", "contract suspended"
    CONTRACT_RESUMED = "market.contracts.resume", "合同恢复", "contract resumed"
    CONTRACT_TERMINATED = "market.contracts.terminate", "合同终止", "contract terminated"
    CONTRACT_EXPIRED = "market.contracts.expire", "合同期满", "contract expired"
    CONTRACT_STOPPED = "market.contracts.stop", "合同因授权停止", "contract stopped with its authority"
    CONTRACT_RESTORED = "market.contracts.restore", "合同随授权恢复", "contract restored with its authority"
    CONTRACT_OFFERED = "market.contracts.offer", "提供方提出条款", "terms offered by the provider"
    CONTRACT_ACCEPTED = "market.contracts.accept", "需方接受条款", "terms accepted by the buyer"
    CONTRACT_AMENDING = "market.contracts.amend", "提出合同变更", "amendment offered"
    AMENDMENT_SIGNED = "market.contracts.sign-amendment", "合同变更生效", "amendment in force"
    AMENDMENT_REJECTED = "market.contracts.reject-amendment", "合同变更被拒绝", "amendment rejected"
    AMENDMENT_WITHDRAWN = "market.contracts.withdraw-amendment", "合同变更撤回", "amendment withdrawn"
    AMENDMENT_LAPSED = "market.contracts.lapse-amendment", "合同变更逾期失效", "amendment lapsed"
    CONTRACT_NOTICE = "market.contracts.notice", "合同终止通知", "notice given to a contract"
    CONTRACT_CARRIED = "market.contracts.carry", "合同转入后续授权", "contract carried to the next mandate"
    DISPOSAL_PROVED = "market.contracts.prove-disposal", "数据处置已证明", "disposal of data proved"
    DISPOSAL_OVERDUE = "market.contracts.disposal-overdue", "数据处置逾期", "disposal of data overdue"
    QUOTE_GIVEN = "market.contracts.quote-price", "报价", "price quoted"
    QUOTE_USED = "market.contracts.use-quote", "报价单已使用", "quote used"
    CONTRACT_USED = "market.contracts.use", "合同使用", "contract used"
    QUOTA_REACHED = (
        "market.contracts.reach-quota",
        "合同额度已用八成或用尽",
        "four fifths or all of a quota used",
    )
    ORDER_PLACED = "market.trading.place-order", "下单", "order placed"
    ORDER_DELIVERED = "market.trading.deliver-order", "订单交付", "order delivered"
    ORDER_ACCEPTED = "market.trading.accept-order", "订单验收", "order accepted"
    ORDER_REJECTED = "market.trading.reject-order", "订单拒收", "order rejected"
    ORDER_SENT_BACK = "market.trading.send-back-order", "订单退回补正", "order sent back for a cure"
    CUT_OFFERED = "market.trading.offer-cut-order", "提出验收减价", "price cut offered"
    ORDER_CANCELLED = "market.trading.cancel-order", "订单取消", "order cancelled"
    ORDER_EXPIRED = "market.trading.expire-order", "订单逾期未交付", "order not delivered in time"
    TRADE_RECORDED = "market.trading.record", "成交", "trade recorded"
    TRADE_REFUNDED = "market.trading.refund", "退款", "trade refunded"
    DISPUTE_OPENED = "market.trading.open-dispute", "提出交易争议", "trade disputed"
    DISPUTE_ANSWERED = "market.trading.answer-dispute", "答复交易争议", "dispute answered"
    SETTLEMENT_OFFERED = "market.trading.offer-dispute", "提出和解金额", "amount offered to settle a dispute"
    DISPUTE_SETTLED = "market.trading.settle-dispute", "交易争议和解", "dispute settled"
    DISPUTE_DECIDED = "market.trading.decide-dispute", "交易争议裁决", "dispute decided"
    DISPUTE_WITHDRAWN = "market.trading.withdraw-dispute", "撤回交易争议", "dispute withdrawn"
    DEPOSITED = "market.ledger.deposit", "充值到账", "funds deposited"
    PAYOUTS_PROPOSED = "market.payouts.propose", "编制出款批次", "payouts proposed"
    PAYOUTS_APPROVED = "market.payouts.approve", "批准出款批次", "payouts approved"
    PAYOUTS_SENT = "market.payouts.send", "出款送银行", "payouts sent"
    PAYOUTS_ADVISED = "market.payouts.advice", "银行出款回执", "payouts answered by the bank"
    PAYOUTS_SETTLED = "market.payouts.settle", "出款办结", "payouts settled"
    PAYOUTS_CANCELLED = "market.payouts.cancel", "出款批次取消", "payouts cancelled"
    RUN_PUBLICISED = "market.subsidy.publicise", "奖补结果公示", "awards publicised"
    RUN_APPROVED = "market.subsidy.approve", "奖补结果批准", "awards approved"
    APPLICATION_BEGUN = "market.subsidy.begin-application", "起草奖补申报", "application begun"
    APPLICATION_SUBMITTED = "market.subsidy.submit-application", "奖补申报提交", "application submitted"
    APPLICATION_RETURNED = "market.subsidy.return-application", "奖补申报退回", "application returned"
    APPLICATION_PASSED = (
        "market.subsidy.endorse-application",
        "奖补申报区市通过",
        "application passed by the district",
    )
    APPLICATION_VERIFIED = "market.subsidy.verify-application", "奖补申报核定", "application verified"
    APPLICATION_REJECTED = "market.subsidy.reject-application", "奖补申报不予通过", "application rejected"
    APPLICATION_WITHDRAWN = "market.subsidy.withdraw-application", "奖补申报撤回", "application withdrawn"
    AWARD_PROPOSED = "market.subsidy.propose-application", "免申即享奖补待确认", "award proposed"
    AWARD_CONFIRMED = "market.subsidy.confirm-application", "免申即享奖补已确认", "award confirmed"
    OBJECTION_FILED = "market.subsidy.file-objection", "对公示名单提出异议", "objection filed"
    OBJECTION_APPEALED = (
        "market.subsidy.appeal-objection",
        "对异议驳回提出申诉",
        "rejection of an objection appealed",
    )
    OBJECTION_ANSWERED = "market.subsidy.answer-objection", "异议已答复", "objection answered"
    OBJECTION_UPHELD = "market.subsidy.uphold-objection", "异议成立", "objection upheld"
    OBJECTION_REJECTED = "market.subsidy.reject-objection", "异议不成立", "objection rejected"
    OBJECTION_WITHDRAWN = "market.subsidy.withdraw-objection", "撤回异议", "objection withdrawn"
    RUN_SUPERSEDED = "market.subsidy.supersede", "奖补结果被替代", "awards superseded"
    AWARD_PAID = "market.subsidy.pay-award", "奖补已支付", "award paid"
    AWARD_FAILED = "market.subsidy.fail-award", "奖补支付被银行退回", "award refused by the bank"
    AWARD_HELD = "market.subsidy.hold-award", "奖补暂缓", "award held"
    AWARD_RELEASED = "market.subsidy.release-award", "奖补恢复办理", "held award released"
    AWARD_FORGONE = "market.subsidy.forgo-award", "奖补不予支付", "held award not to be paid"
    RECOVERY_DECIDED = "market.subsidy.decide-recovery", "奖补追回决定", "recovery of an award decided"
    RECOVERY_CANCELLED = "market.subsidy.cancel-recovery", "奖补追回撤销", "recovery of an award cancelled"
    RECOVERY_RECEIVED = "market.subsidy.receive-recovery", "追回款到账", "payment of a recovery received"
    RECOVERY_RESTORED = "market.subsidy.restore-recovery", "追回的奖补已恢复", "recovered award awarded again"
    AWARD_SET_OFF = (
        "market.subsidy.set-off-recovery",
        "奖补抵扣追回款",
        "award set off against a recovery",
    )
    NEGOTIATION_OPENED = (
        "market.dataspace.open-negotiation",
        "连接器发起协商",
        "negotiation opened by a connector",
    )
    TRANSFER_REQUESTED = "market.dataspace.request-transfer", "请求传输", "transfer requested"
    TRANSFER_STARTED = "market.dataspace.start-transfer", "传输开始", "transfer started"
    TRANSFER_SUSPENDED = "market.dataspace.suspend-transfer", "传输暂停", "transfer suspended"
    TRANSFER_COMPLETED = "market.dataspace.complete-transfer", "传输完成", "transfer completed"
    TRANSFER_TERMINATED = "market.dataspace.terminate-transfer", "传输终止", "transfer terminated"
    SUBSCRIPTION_MADE = "market.notices.subscribe", "建立订阅", "subscription made"
    SECRET_RENEWED = "market.notices.renew-secret", "订阅密钥更新", "secret of a subscription made"
    SUBSCRIPTION_PAUSED = "market.notices.pause-subscription", "订阅暂停", "subscription paused"
    SUBSCRIPTION_REPLAYED = "market.notices.replay-subscription", "订阅重放", "subscription replayed"
    SUBSCRIPTION_ENDED = "market.notices.end-subscription", "订阅终止", "subscription ended"

    @property
    def action(self) -> str:
        """As the audit calls it."""
        return self.removeprefix(PREFIX)


LABELS = {kind.value: kind.labels for kind in EventType}
PUBLIC = frozenset(
    {
        EventType.ZONE_OPENED,
        EventType.ZONE_CLOSED,
        EventType.ZONE_REOPENED,
        EventType.SCENARIO_ADDED,
        EventType.MANDATE_GRANTED,
        EventType.MANDATE_RENEWED,
        EventType.MANDATE_WITHDRAWN,
        EventType.MANDATE_REINSTATED,
        EventType.MANDATE_EXPIRED,
        EventType.RESOURCE_PUBLICISED,
        EventType.RESOURCE_CODED,
        EventType.RESOURCE_RENEWED,
        EventType.RESOURCE_CANCELLED,
        EventType.VENUE_OPENED,
        EventType.VENUE_CLOSED,
        EventType.VENUE_REOPENED,
        EventType.LISTING_PUBLISHED,
        EventType.LISTING_SUSPENDED,
        EventType.LISTING_RESUMED,
        EventType.LISTING_DELISTED,
        EventType.LISTING_STOPPED,
        EventType.LISTING_RESTORED,
        EventType.RUN_PUBLICISED,
        EventType.RUN_SUPERSEDED,
    }
)
"""That it happened is told to everyone who is signed in: visitors can see the thing itself."""


@dataclass(frozen=True)
class Told:
    """One event as somebody may know it; `position` is its leaf in the sealed log, `facts` is None where it is not theirs."""

    position: int
    id: UUID
    at: datetime
    action: str
    organisation_id: UUID | None
    subject_type: str
    subject_id: UUID
    facts: dict[str, Any] | None

    @property
    def type(self) -> str:
        """The event's type."""
        return PREFIX + self.action


@dataclass(frozen=True)
class FeedPage:
    """Events in the order of the log; `reached` is the last position looked at, `more` whether the log goes on behind it."""

    events: list[Told]
    reached: int
    more: bool
