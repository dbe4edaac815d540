"""The letter of a decided recovery, 追回决定书: a page in Chinese that prints, the same bytes each time. Pure."""

from datetime import datetime
from html import escape
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.clock import business_date
from datamarket.foundation.errors import Conflict
from datamarket.foundation.money import capital_numerals, yuan
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


_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>追回决定书</title>
<style>
@page {{ size: A4; margin: 25mm }}
body {{ font: 16px/1.8 "FangSong", "STFangsong", serif; max-width: 40em; margin: auto }}
h1 {{ text-align: center }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border: 1px solid; padding: 2px 8px; text-align: left }}
.end {{ text-align: right }}
</style></head><body>
<h1>追回决定书</h1>
<p>编号：{number}</p>
<p>{enterprise}（统一社会信用代码 {uscc}）：</p>
<p>你单位获得的 {year} 年度“{award}”已支付 {paid}。经查，{reason}（原因：{cause}）。依据{article}，现决定：</p>
<p>一、追回奖补资金 {amount}。</p>
{fine}<p>{next}、以上合计 {total}，按下表期限缴回；部分缴款先抵最早一期，可与你单位后续应付奖补抵扣。</p>
<table><tr><th>期次</th><th>缴款期限</th><th>金额</th></tr>
{plan}
</table>
<p>决定理由：{decision}</p>
<p>对本决定不服的，可以依法申请行政复议或者提起行政诉讼。</p>
<p class="end">{day}</p>
</body></html>
"""


def letter_of(written: WrittenRecovery) -> str:
    """Each sum in figures and in capital numerals."""
    fined = f"<p>二、处以追回金额 {written.fine_rate} 的罚款 {_sum(written.fine_fen)}。</p>\n"
    rows = (
        f"<tr><td>第 {due.n} 期</td><td>{due.due_on:%Y年%m月%d日}</td><td>{_sum(due.amount_fen)}</td></tr>"
        for due in written.plan
    )
    return _PAGE.format(
        number=written.id,
        enterprise=escape(written.enterprise),
        uscc=escape(written.uscc),
        year=written.year,
        award=escape(written.award),
        paid=_sum(written.paid_fen),
        reason=escape(written.reason.rstrip("。")),
        cause=written.cause.zh,
        article=escape(written.article),
        amount=_sum(written.amount_fen),
        fine=fined if written.fine_fen else "",
        next="三" if written.fine_fen else "二",
        total=_sum(written.amount_fen + written.fine_fen),
        plan="\n".join(rows),
        decision=escape(written.decision),
        day=f"{business_date(written.decided_at):%Y年%m月%d日}",
    )


def _sum(amount: int) -> str:
    return f"人民币 {yuan(amount, grouped=True)} 元（大写：{capital_numerals(amount)}）"
