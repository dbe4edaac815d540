"""The letter of a decided recovery, 追回决定书: a page in Chinese that prints, the same bytes each time. Pure."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.clock import business_date
from datamarket.foundation.documents import printed
from datamarket.foundation.errors import Conflict
from datamarket.foundation.money import Fen
from datamarket.subsidy.recoveries.terms import DueInstalment, RecoveryCause


class RecoveryUndecided(Conflict):
    code = "subsidy.recovery-undecided"
    zh = "该追回尚未决定或已撤销，没有决定书。"
    en = "This recovery is not decided, or was cancelled; there is no letter of it."


class WrittenRecovery(NamedTuple):
    """All that a letter is made of; nothing of it changes after the decision."""

    id: UUID
    enterprise: str
    uscc: str
    year: int
    award: str
    issuer: str
    paid_fen: int
    amount_fen: int
    fine_rate: str | None
    fine_fen: int
    cause: RecoveryCause
    reason: str
    article: str
    decision: str
    decided_at: datetime
    plan: tuple[DueInstalment, ...]


def letter_of(written: WrittenRecovery) -> str:
    """Each sum in figures and in capital numerals."""
    opening = (
        f"你单位获得的{written.year}年度“{printed.within(written.award)}”已支付{_sum(written.paid_fen)}。经查，{written.reason.rstrip('。')}"
        f"（原因：{written.cause.zh}）。依据{written.article}，现决定："
    )
    told = [
        opening,
        f"一、追回奖补资金{_sum(written.amount_fen)}。",
    ]
    if written.fine_fen:
        told.append(f"二、处以追回金额{written.fine_rate}的罚款{_sum(written.fine_fen)}。")
    whole = f"三、以上合计{_sum(written.amount_fen + written.fine_fen)}，" if written.fine_fen else "二、"
    told.append(f"{whole}按下表期限缴回；部分缴款先抵最早一期，可与你单位后续应付奖补抵扣。")
    rows = [(f"第 {due.n} 期", printed.day_told(due.due_on), _sum(due.amount_fen)) for due in written.plan]
    return printed.page(
        "追回决定书",
        printed.addressed(written.id, written.enterprise, written.uscc),
        *map(printed.paragraph, told),
        printed.table(("期次", "缴款期限", "金额"), rows),
        *([] if written.decision == written.reason else [printed.paragraph(f"决定理由：{written.decision}")]),
        printed.paragraph("对本决定不服的，可以依法申请行政复议或者提起行政诉讼。"),
        printed.signed(written.issuer, printed.day_told(business_date(written.decided_at))),
    )


def _sum(amount: int) -> str:
    return printed.sum_told(Fen(amount))
