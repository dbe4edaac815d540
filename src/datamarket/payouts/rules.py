"""Decisions about payouts: both lives, separate hands, and what a statement must add up to."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.payouts.terms import (
    AdviceLine,
    BankAnswer,
    BatchEvent,
    BatchState,
    PayoutEvent,
    PayoutState,
    RefusalReason,
)

B, P = BatchState, PayoutState
BATCH_LIFE = Life(
    "payout",
    "出款批次",
    "Payout batch",
    {
        (B.DRAFTED, BatchEvent.APPROVE): B.APPROVED,
        (B.DRAFTED, BatchEvent.CANCEL): B.CANCELLED,
        (B.APPROVED, BatchEvent.SEND): B.SENT,
        (B.APPROVED, BatchEvent.CANCEL): B.CANCELLED,
        (B.SENT, BatchEvent.SETTLE): B.SETTLED,
    },
)
PAYOUT_LIFE = Life(
    "payout",
    "出款",
    "Payout",
    {
        (P.QUEUED, PayoutEvent.SEND): P.SENT,
        (P.QUEUED, PayoutEvent.CANCEL): P.CANCELLED,
        (P.SENT, PayoutEvent.EXECUTE): P.EXECUTED,
        (P.SENT, PayoutEvent.REFUSE): P.REFUSED,
    },
)
EVENT_OF: Mapping[BankAnswer, PayoutEvent] = {
    BankAnswer.EXECUTED: PayoutEvent.EXECUTE,
    BankAnswer.REFUSED: PayoutEvent.REFUSE,
}
RESULT_OF: Mapping[PayoutState, BankAnswer] = {P.EXECUTED: BankAnswer.EXECUTED, P.REFUSED: BankAnswer.REFUSED}
DECIDED = frozenset(RESULT_OF)


class PayoutDutiesNotSeparate(Refused):
    code = "payout.duties-not-separate"
    zh = "编制与批准须由两个不同的账户办理。"
    en = "A batch is made and approved by two different accounts."


class SettledByAdvice(Refused):
    code = "payout.settled-by-advice"
    zh = "批次在银行对每笔出款作出答复后自动办结，不能手工办结。"
    en = "A batch is settled by the bank's last answer, never by hand."


class NothingToPay(Refused):
    code = "payout.nothing-to-pay"
    zh = "没有符合条件的可付余额。"
    en = "No account has a balance to pay out under these conditions."


class AccountQueued(Conflict):
    code = "payout.account-queued"
    zh = "有账户已在另一未送出的批次中，不会重复编入；请重新编制。"
    en = "An account waits in another batch already and is never queued twice; propose again."


class AwardInstructed(Conflict):
    code = "payout.award-instructed"
    zh = "该项奖补已付款，或已在另一未办结的批次中，不会重复支付。"
    en = "This award is paid, or is on its way in another batch; it is never paid twice."


class BalanceExceeded(Refused):
    code = "payout.balance-exceeded"
    zh = "第 {position} 笔出款 {amount} 元超过账户可付余额 {available} 元，整批未送出；请取消本批后重新编制。"
    en = "Payout {position} of {amount} CNY exceeds the {available} CNY its account holds; nothing was sent. Cancel, then propose again."


class PayeeSuspended(Refused):
    code = "payout.payee-suspended"
    zh = "第 {position} 笔出款的收款方“{name}”处于暂停状态，整批未送出；请取消本批后重新编制。"
    en = "The payee '{name}' of payout {position} is suspended; nothing was sent. Cancel, then propose again."


class FileNotReady(Conflict):
    code = "payout.file-not-ready"
    zh = "批次尚未批准或已取消（{state}），没有可交银行的文件。"
    en = "The batch is not approved, or is cancelled ({state}): there is no file for the bank."


class AdviceUnknown(Invalid):
    code = "payout.advice-unknown"
    zh = "回执第 {line} 行的付款编号“{reference}”不属于本批次。"
    en = "Line {line} of the advice names the reference '{reference}', which is not of this batch."


class AdviceContradicts(Conflict):
    code = "payout.advice-contradicts"
    zh = "回执第 {line} 行与付款“{reference}”已登记的银行答复不一致，整份回执未登记。"
    en = "Line {line} of the advice contradicts what the bank has answered for '{reference}'; nothing of it was taken."


class AdviceUntimely(Invalid):
    code = "payout.advice-untimely"
    zh = "回执第 {line} 行的日期 {day} 早于送出日或晚于今天。"
    en = "Line {line} of the advice is of {day}: before the batch was sent, or after today."


def check_approver(made_by: UUID, approver: UUID) -> None:
    """Raises PayoutDutiesNotSeparate when who made the batch approves it."""
    if made_by == approver:
        raise PayoutDutiesNotSeparate


def events_open_to(account_id: UUID, state: BatchState, *, made_by: UUID) -> list[BatchEvent]:
    """What this account may do with a batch now; the bank's last answer settles it."""
    closed = {BatchEvent.SETTLE} | ({BatchEvent.APPROVE} if account_id == made_by else set())
    return [event for event in BATCH_LIFE.open_in(state) if event not in closed]


def refusal_told(code: str, reason: str) -> tuple[str, str]:
    """Why the bank has refused, in Chinese and in English, with its code and its own words."""
    zh, en = RefusalReason(code).labels
    return f"{zh}（{code}：{reason}）", f"{en} ({code}: {reason})"


def check_timely(line: AdviceLine, number: int, *, sent_on: date, today: date) -> None:
    """Raises AdviceUntimely."""
    if not sent_on <= line.day <= today:
        raise AdviceUntimely(line=number, day=line.day.isoformat())
