"""The decision letter of an award, 奖补决定通知书: a page in Chinese that prints, the same bytes each time."""

from html import escape

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import business_date
from datamarket.foundation.db import PageAsked
from datamarket.foundation.errors import Conflict
from datamarket.foundation.money import capital_numerals, yuan
from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.lines.queries import LineView
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.rules import DECIDED
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.terms import Unit


class AwardUndecided(Conflict):
    code = "subsidy.award-undecided"
    zh = "该明细没有已批准且可支付的奖补，没有决定通知书。"
    en = "This line has no award that is approved and not held or forgone; there is no letter of it."


_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>奖补决定通知书</title>
<style>
@page {{ size: A4; margin: 25mm }}
body {{ font: 16px/1.8 "FangSong", "STFangsong", serif; max-width: 40em; margin: auto }}
h1 {{ text-align: center }}
.end {{ text-align: right }}
</style></head><body>
<h1>奖补决定通知书</h1>
<p>编号：{number}</p>
<p>{enterprise}（统一社会信用代码 {uscc}）：</p>
<p>根据《{scheme}》{article}，你单位{project}获得 {year} 年度“{award}”，金额为人民币 {figures} 元（大写：{capitals}）。</p>
<p>核定依据：{reason}</p>
<p>名单已于 {publicity} 公示。资金将按规定程序拨付至你单位在市场登记的账户。</p>
<p class="end">{issuer}</p>
<p class="end">{day}</p>
</body></html>
"""


async def letter_of_award(session: AsyncSession, view: LineView) -> str:
    """Of a line whose award is approved, and neither held nor forgone. Raises AwardUndecided."""
    line, run = view.line, (await run_queries.get_run(session, view.line.run_id)).run
    if run.state not in DECIDED or not line.amount_fen or view.hold is not None:
        raise AwardUndecided
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    clause = scheme.clause(line.clause_id)
    events = await run_queries.list_run_events(session, run.id, page=PageAsked(len(RunEvent)))
    [approved] = (event.at for event in events if event.event == RunEvent.APPROVE)
    return _PAGE.format(
        number=line.id,
        enterprise=escape(line.enterprise_zh),
        uscc=escape(line.uscc),
        scheme=escape(scheme.title.zh),
        article=escape(clause.cite.article or "（条款编号未公开）"),
        project=f"项目“{escape(line.name)}”" if clause.unit is Unit.PROJECT else "",
        year=run.year,
        award=escape(clause.title.zh),
        figures=yuan(line.amount_fen, grouped=True),
        capitals=capital_numerals(line.amount_fen),
        reason=escape(explain(dossier.line_of(line), scheme, run.year).zh),
        publicity=f"{run.publicity_from:%Y年%m月%d日}至 {run.publicity_to:%Y年%m月%d日}",
        issuer=escape(scheme.instrument.issuer or "（发布单位未公开获得）"),
        day=f"{business_date(approved):%Y年%m月%d日}",
    )
