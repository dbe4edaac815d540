"""Words of the inbox: what may wait, and what happens when nobody acts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from datamarket.foundation.states import Labelled


class MatterKind(Labelled):
    """What is to be done."""

    ORDER_TO_DELIVER = "order_to_deliver", "订单待交付", "order to deliver"
    ORDER_TO_ACCEPT = "order_to_accept", "订单待验收", "order to accept or reject"
    ORDER_TO_CURE = "order_to_cure", "订单待补正后重新交付", "order to cure and deliver again"
    DISPUTE_TO_ANSWER = "dispute_to_answer", "交易争议待答复", "dispute to answer"
    DISPUTE_OFFER_TO_ANSWER = (
        "dispute_offer_to_answer",
        "争议和解方案待答复",
        "offer to settle a dispute to answer",
    )
    DISPUTE_TO_DECIDE = "dispute_to_decide", "交易争议待裁决", "dispute to decide"
    CONTRACT_TO_ANSWER = "contract_to_answer", "合同条款待答复", "contract terms to answer"
    CONTRACT_TO_SIGN = "contract_to_sign", "合同待签署", "contract to sign"
    QUOTA_TO_WATCH = "quota_to_watch", "合同额度已用八成", "four fifths of a contract's quota are used"
    FUNDS_TO_WATCH = "funds_to_watch", "预存资金已用八成", "four fifths of the funds are spent or held"
    FUNDS_EXHAUSTED = "funds_exhausted", "预存资金已用尽", "all funds are spent or held"
    REGISTRATION_TO_RENEW = "registration_to_renew", "资源登记待续期", "registration to renew"
    REGISTRATION_TO_ACCEPT = "registration_to_accept", "资源登记待受理", "registration to accept"
    REGISTRATION_TO_REVIEW = "registration_to_review", "资源登记待审核", "registration to review"
    REPORT_LATE = "report_late", "年度价格报告逾期", "yearly price report late"
    MANDATE_ENDING = "mandate_ending", "授权即将届满", "mandate that ends soon"
    PRODUCT_TO_REVIEW = "product_to_review", "产品待合规审查", "product to review"
    PAYOUTS_TO_APPROVE = "payouts_to_approve", "出款批次待批准", "payouts to approve"
    PAYOUTS_TO_SEND = "payouts_to_send", "出款批次待送银行", "payouts to send to the bank"
    RUN_TO_PUBLICISE = "run_to_publicise", "奖补结果待公示", "awards to publicise or reject"
    RUN_TO_APPROVE = "run_to_approve", "奖补结果待批准", "awards to approve"
    CASE_TO_VERIFY = "case_to_verify", "案例投资额待核定", "case to verify"
    APPLICATION_TO_DECIDE = "application_to_decide", "奖补申报待审核", "application to decide"
    APPLICATION_TO_MEND = (
        "application_to_mend",
        "奖补申报待补正后重新提交",
        "application to mend and submit again",
    )
    AWARD_TO_CONFIRM = "award_to_confirm", "免申即享奖补待确认", "proposed award to confirm"
    OBJECTION_TO_DECIDE = "objection_to_decide", "异议或申诉待决定", "objection or appeal to decide"
    OBJECTION_TO_WATCH = (
        "objection_to_watch",
        "异议或申诉办理中",
        "objection or appeal that awaits its decision",
    )
    OBJECTION_TO_APPEAL = (
        "objection_to_appeal",
        "被驳回的异议可申诉",
        "rejected objection that may be appealed",
    )
    RUN_TO_SUPERSEDE = (
        "run_to_supersede",
        "异议成立，名单待重新测算",
        "objection upheld: everyone to be calculated again",
    )
    RECOVERY_TO_DECIDE = "recovery_to_decide", "奖补追回待决定", "recovery to decide"
    INSTALMENT_TO_PAY = "instalment_to_pay", "追回款分期待缴", "instalment of a recovery to pay"
    INSTALMENT_OVERDUE = "instalment_overdue", "追回款分期逾期", "overdue instalment of a recovery"
    AWARD_TO_SET_OFF = "award_to_set_off", "应付奖补可抵扣追回款", "payable award that may be set off"
    AWARD_REFUSED = (
        "award_refused",
        "奖补被银行退回，收款账户待更正",
        "award that the bank refused: an account to correct",
    )
    AWARD_TO_PAY_AGAIN = "award_to_pay_again", "奖补被银行退回，待重新支付", "refused award to pay again"
    SUBSCRIPTION_TO_REPLAY = "subscription_to_replay", "订阅已暂停，待重放", "paused subscription to replay"


class Consequence(Labelled):
    """What happens when the deadline passes and nobody has acted; its value names the kind of matter."""

    ORDER_TO_DELIVER = (
        "order_to_deliver",
        "届时仍未交付的，订单逾期终止，冻结的资金退回需方。",
        "An order not delivered by then expires, and the money held goes back to its buyer.",
    )
    ORDER_TO_ACCEPT = (
        "order_to_accept",
        "届时未作表示的，视为全部验收，托管资金付给提供方；合同中止期间暂缓。",
        "Silence then counts as acceptance of the whole, and the escrow is paid out; while the contract is suspended it waits.",
    )
    ORDER_TO_CURE = (
        "order_to_cure",
        "届时仍未重新交付的，拒收即告确定，托管资金退回需方。",
        "Not delivered again by then, the order lapses as rejected, and the escrow goes back to its buyer.",
    )
    DISPUTE_TO_ANSWER = (
        "dispute_to_answer",
        "届时未答复的，主管部门可不经答复作出裁决；争议期间相应收入继续冻结。",
        "Without an answer by then the authority may decide; the income stays held until the dispute ends.",
    )
    DISPUTE_OFFER_TO_ANSWER = (
        "dispute_offer_to_answer",
        "未设期限；未接受的，争议继续，直至和解、撤回或裁决。",
        "There is no deadline; while it is not accepted the dispute goes on, until it is settled, withdrawn or decided.",
    )
    DISPUTE_TO_DECIDE = (
        "dispute_to_decide",
        "未设期限；双方未和解且未裁决前，相应收入继续冻结，该交易不能退款。",
        "There is no deadline; until both settle or it is decided the income stays held, and the trade is not refunded.",
    )
    CONTRACT_TO_ANSWER = (
        "contract_to_answer",
        "届时未答复的，协商逾期失效；变更则不生效，原条款继续有效。",
        "Without an answer by then the negotiation expires; of an amendment the terms in force are left.",
    )
    CONTRACT_TO_SIGN = (
        "contract_to_sign",
        "届时未签署的，协商逾期失效。",
        "Not signed by then, the negotiation expires.",
    )
    QUOTA_TO_WATCH = (
        "quota_to_watch",
        "额度用尽后，使用请求将被拒绝，直至合同届满。",
        "Once the quota is used up every further use is refused, until the contract ends.",
    )
    FUNDS_TO_WATCH = (
        "funds_to_watch",
        "资金不足时，交易与订单将被拒绝，固定费用转为未计价，直至再次入金。",
        "What the funds do not pay is refused, and fees stay unpaid, until more is deposited.",
    )
    FUNDS_EXHAUSTED = (
        "funds_exhausted",
        "再次入金或资金解冻之前，收费交易与订单均被拒绝。",
        "Every trade and order that costs anything is refused, until more is deposited or what is held is freed.",
    )
    REGISTRATION_TO_RENEW = (
        "registration_to_renew",
        "届时登记失效，以其为依据的挂牌与合同随之停止。",
        "The registration lapses then, and listings and contracts that stand on it stop.",
    )
    REGISTRATION_TO_ACCEPT = (
        "registration_to_accept",
        "届时受理期限届满，登记不会自动受理。",
        "The time to accept it ends then; nothing is accepted by itself.",
    )
    REGISTRATION_TO_REVIEW = (
        "registration_to_review",
        "届时审核期限届满，登记不会自动通过。",
        "The time to review it ends then; nothing passes by itself.",
    )
    REPORT_LATE = (
        "report_late",
        "期限已过；提交之前，该年度收入无法比对，逾期已记录在案。",
        "It is overdue; until it is made the income of that year is not compared, and the delay is on record.",
    )
    MANDATE_ENDING = (
        "mandate_ending",
        "届时授权到期，以其为依据的挂牌与合同随之停止。",
        "The mandate is over then, and listings and contracts that stand on it stop.",
    )
    PRODUCT_TO_REVIEW = (
        "product_to_review",
        "未设期限；审查通过前该产品版本不能挂牌。",
        "There is no deadline; until it is approved the version cannot be listed.",
    )
    PAYOUTS_TO_APPROVE = (
        "payouts_to_approve",
        "未设期限；批准前收款人不会收到款项。",
        "There is no deadline; until it is approved no payee is paid.",
    )
    PAYOUTS_TO_SEND = (
        "payouts_to_send",
        "未设期限；送达银行前收款人不会收到款项。",
        "There is no deadline; until it is sent no payee is paid.",
    )
    RUN_TO_PUBLICISE = (
        "run_to_publicise",
        "未设期限；公示前不能批准。",
        "There is no deadline; it cannot be approved before it was publicised.",
    )
    RUN_TO_APPROVE = (
        "run_to_approve",
        "未设期限；批准前不会记账和支付。",
        "There is no deadline; until it is approved nothing is posted or paid.",
    )
    CASE_TO_VERIFY = (
        "case_to_verify",
        "未设期限；核定前其投资额不计入任何运行。",
        "There is no deadline; until it is verified its investment counts in no run.",
    )
    APPLICATION_TO_DECIDE = (
        "application_to_decide",
        "未设期限；审核前申报不会自动通过。",
        "There is no deadline; nothing passes by itself.",
    )
    APPLICATION_TO_MEND = (
        "application_to_mend",
        "届时申报期结束，不能再提交。",
        "The call is over then, and nothing more is submitted.",
    )
    AWARD_TO_CONFIRM = (
        "award_to_confirm",
        "届时申报期结束，不能再确认。",
        "The call is over then, and nothing more is confirmed.",
    )
    OBJECTION_TO_DECIDE = (
        "objection_to_decide",
        "届时办理期限届满，异议不会自动成立或驳回；了结前不能批准奖补结果。",
        "The time to decide it ends then; nothing is decided by itself, and until it is no award of the year is approved.",
    )
    OBJECTION_TO_WATCH = (
        "objection_to_watch",
        "届时办理期限届满，异议不会自动成立或驳回；决定之前可以撤回。",
        "The time to decide it ends then; nothing is decided by itself, and until it is the objector may withdraw it.",
    )
    OBJECTION_TO_APPEAL = (
        "objection_to_appeal",
        "届时申诉期满，驳回决定不能再申诉。",
        "The time to appeal ends then, and the rejection stands.",
    )
    RUN_TO_SUPERSEDE = (
        "run_to_supersede",
        "未设期限；在取代它的运行公示之前，该年度奖补不能批准。",
        "There is no deadline; until a run that supersedes it is public no award of the year is approved.",
    )
    RECOVERY_TO_DECIDE = (
        "recovery_to_decide",
        "未设期限；决定前不产生应收款。",
        "There is no deadline; until it is decided nothing is owed.",
    )
    INSTALMENT_TO_PAY = (
        "instalment_to_pay",
        "届时未缴的即为逾期，通知财政部门，并可与后续奖补抵扣；设有利息的，自次日起计息。",
        "Unpaid by then it is overdue: finance is told, a later award may be set off, and interest runs where one is set.",
    )
    INSTALMENT_OVERDUE = (
        "instalment_overdue",
        "期限已过；收款最先抵最早一期，也可与后续奖补抵扣。",
        "The day is past; what comes in pays the oldest instalment first, and a later award may be set off.",
    )
    AWARD_TO_SET_OFF = (
        "award_to_set_off",
        "未设期限；支付前未抵扣的，奖补全额支付，追回款仍按分期缴纳。",
        "There is no deadline; not set off before it is paid, the award is paid in full, and the plan stays.",
    )
    AWARD_REFUSED = (
        "award_refused",
        "未设期限；在银行更正账户后重新支付，否则财政部门可以说明理由后不予支付。",
        "There is no deadline; it is paid again once the account is corrected at the bank, or finance may forgo it with a reason.",
    )
    AWARD_TO_PAY_AGAIN = (
        "award_to_pay_again",
        "未设期限；重新支付或决定不予支付之前，该运行不能办结。",
        "There is no deadline; until it is paid again or forgone its run is not closed.",
    )
    SUBSCRIPTION_TO_REPLAY = (
        "subscription_to_replay",
        "未设期限；重放前不再发送消息，期间的事件不会丢失。",
        "There is no deadline; nothing is sent until it is replayed, and no event is lost meanwhile.",
    )


BY_WORKING_DAYS = frozenset(
    {
        MatterKind.REGISTRATION_TO_ACCEPT,
        MatterKind.REGISTRATION_TO_REVIEW,
        MatterKind.OBJECTION_TO_DECIDE,
        MatterKind.OBJECTION_TO_WATCH,
        MatterKind.OBJECTION_TO_APPEAL,
    }
)
"""Whose deadline is counted in working days: where their calendar is not known, that is said."""


PATHS = {
    "account": "/ledger/accounts/{id}",
    "application": "/subsidy/applications/{id}",
    "award": "/subsidy/lines/{id}/explanation",
    "case": "/subsidy/cases/{id}",
    "contract": "/contracts/{id}",
    "dispute": "/trades/{parent}/disputes/{id}",
    "line": "/subsidy/lines/{id}/explanation",
    "mandate": "/zones/{parent}/mandates",
    "objection": "/subsidy/objections/{id}",
    "order": "/orders/{id}",
    "payout_batch": "/payouts/batches/{id}",
    "permitted_income": "/prices/permitted-incomes/{id}",
    "product": "/products/{id}",
    "recovery": "/subsidy/recoveries/{id}",
    "resource": "/resources/{id}",
    "run": "/subsidy/runs/{id}",
    "subscription": "/subscriptions/{id}",
}
"""Kind of a subject → where the API answers it, or the list in which it stands; `parent` is what it belongs to."""


@dataclass(frozen=True)
class Matter:
    """One thing that waits; `until` is None where no deadline is known. `parent_id` is the trade of a dispute, or the zone."""

    kind: MatterKind
    subject_type: str
    subject_id: UUID
    since: datetime
    until: datetime | None
    due: datetime
    parent_id: UUID | None = None

    @property
    def path(self) -> str:
        """Where the API answers the subject."""
        return PATHS[self.subject_type].format(id=self.subject_id, parent=self.parent_id)
