"""Words of a recovery, and what today's books say of an award that was paid."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled


class RecoveryState(Labelled):
    """From the proposal until the last fen is back."""

    PROPOSED = "proposed", "待决定", "proposed"
    DECIDED = "decided", "已决定", "decided"
    RECOVERING = "recovering", "追回中", "recovering"
    RECOVERED = "recovered", "已追回", "recovered"
    CANCELLED = "cancelled", "已撤销", "cancelled"


class RecoveryEvent(StrEnum):
    """`receive` and `complete` follow from what came in; the others are a person's."""

    DECIDE = "decide"
    CANCEL = "cancel"
    RECEIVE = "receive"
    COMPLETE = "complete"
    RESTORE = "restore"


class RecoveryCause(Labelled):
    """Why an award that was paid has to come back."""

    REFUND = "refund", "截止后退款", "refunds after the cut-off"
    FLAG = "flag", "疑点经核查确认", "a confirmed integrity flag"
    REVOKED = "revoked", "案例已撤销", "its case was revoked"
    CORRECTION = "correction", "所依据事实已更正", "the facts were corrected"
    FRAUD = "fraud", "骗取补贴", "obtained by fraud"


class ReceiptKind(Labelled):
    """How it came back."""

    PAYMENT = "payment", "银行收款", "payment at the bank"
    SET_OFF = "set_off", "抵扣后续奖补", "set off against a later award"


class Ground(NamedTuple):
    """An award that today's books would not give in full; `left_fen` is what may still be decided for recovery."""

    line_id: UUID
    clause: str
    candidate: str
    enterprise_id: UUID
    cause: RecoveryCause
    paid_fen: int
    today_fen: int
    left_fen: int
    amount_fen: int


class DueInstalment(NamedTuple):
    """An instalment, and what of it is still to come."""

    n: int
    due_on: date
    amount_fen: int
    left_fen: int
