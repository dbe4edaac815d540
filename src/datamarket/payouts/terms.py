"""Words of payouts and of the bank's side."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from datamarket.foundation.money import Fen
from datamarket.foundation.states import Labelled
from datamarket.ledger.terms import AccountKind, EntryId


class PayableKind(StrEnum):
    """Accounts from which money is paid out: somebody's income, or what a subsidy has awarded or restored."""

    PROVIDER_INCOME = AccountKind.PROVIDER_INCOME.value
    OPERATOR_INCOME = AccountKind.OPERATOR_INCOME.value
    SUPPLYING_INCOME = AccountKind.SUPPLYING_INCOME.value
    VENUE_FEE = AccountKind.VENUE_FEE.value
    TREASURY = AccountKind.TREASURY.value
    VAT_PAYABLE = AccountKind.VAT_PAYABLE.value
    SUBSIDY_PAYABLE = AccountKind.SUBSIDY_PAYABLE.value
    SUBSIDY_RESTORED = AccountKind.SUBSIDY_RESTORED.value


INCOME = frozenset(PayableKind) - {PayableKind.SUBSIDY_PAYABLE}
"""What is proposed by account and balance; awards are instructed one by one, by their run."""


class BatchState(Labelled):
    """A batch is drafted by one and approved by another; settled when the bank has answered every line."""

    DRAFTED = "drafted", "已编制", "drafted"
    APPROVED = "approved", "已批准", "approved"
    SENT = "sent", "已送银行", "sent"
    SETTLED = "settled", "已办结", "settled"
    CANCELLED = "cancelled", "已取消", "cancelled"


class BatchEvent(StrEnum):
    APPROVE = "approve"
    SEND = "send"
    SETTLE = "settle"
    CANCEL = "cancel"


class PayoutState(Labelled):
    """A payout waits, leaves, and is executed or comes back; one of a cancelled batch never leaves."""

    QUEUED = "queued", "待付款", "queued"
    SENT = "sent", "已送银行", "sent"
    EXECUTED = "executed", "已付款", "executed"
    REFUSED = "refused", "银行退回", "refused"
    CANCELLED = "cancelled", "已取消", "cancelled"


class PayoutEvent(StrEnum):
    SEND = "send"
    EXECUTE = "execute"
    REFUSE = "refuse"
    CANCEL = "cancel"


class RefusalReason(Labelled):
    """Why a bank refuses a payment: codes of ISO 20022 (ExternalStatusReason1Code), as `bank.yaml` and banks use them."""

    AC01 = "AC01", "收款账号有误", "the account number is wrong"
    AC04 = "AC04", "收款账户已销户", "the account is closed"
    AC06 = "AC06", "收款账户已冻结", "the account is blocked"
    BE01 = "BE01", "户名与账号不符", "name and account do not agree"
    OTHER = "other", "银行退回", "refused by the bank"

    @classmethod
    def _missing_(cls, _value: object) -> "RefusalReason":
        return cls.OTHER


class BankAnswer(StrEnum):
    """What the bank answers for one payout."""

    EXECUTED = "executed"
    REFUSED = "refused"


@dataclass(frozen=True)
class AwardAnswer:
    """What the bank has answered for one award: the entry that books it, and code and reason of a refusal."""

    award_id: UUID
    payout_id: UUID
    amount_fen: int
    entry_id: EntryId
    refusal: tuple[str, str] | None


OFFICES: dict[PayableKind, tuple[str, str]] = {
    PayableKind.TREASURY: ("TREASURY", "国库"),
    PayableKind.VAT_PAYABLE: ("TAX", "税务机关"),
}
"""Payees that are no participants: their code and name in the bank file."""


@dataclass(frozen=True)
class PaymentOrder:
    """One line of the bank file; `reference` is ours, and comes back in the advice and the statement."""

    reference: str
    payee_code: str
    payee_name: str
    amount_fen: Fen
    purpose: str


@dataclass(frozen=True)
class BankFile:
    """A batch as the bank gets it."""

    number: str
    day: date
    orders: tuple[PaymentOrder, ...]

    @property
    def total_fen(self) -> Fen:
        return Fen(sum(order.amount_fen for order in self.orders))


@dataclass(frozen=True)
class AdviceLine:
    """What became of one payout, and on which day; a refusal has a code and says why."""

    reference: str
    result: BankAnswer
    day: date
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class StatementLine:
    """One movement at the bank: what came in is positive, what went out negative."""

    value_on: date
    amount_fen: Fen
    reference: str
    text: str


@dataclass(frozen=True)
class StatementFile:
    """A day at the bank: opening balance, movements, closing balance."""

    day: date
    opening_fen: Fen
    closing_fen: Fen
    lines: tuple[StatementLine, ...]
