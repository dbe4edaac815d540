"""The decision letter of an award, 奖补决定通知书: a page in Chinese that prints, the same bytes each time."""

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import business_date
from datamarket.foundation.db import PageAsked
from datamarket.foundation.documents import printed
from datamarket.foundation.errors import Conflict
from datamarket.foundation.money import Fen
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


async def letter_of_award(session: AsyncSession, view: LineView) -> str:
    """Of a line whose award is approved, and neither held nor forgone. Raises AwardUndecided."""
    line, run = view.line, (await run_queries.get_run(session, view.line.run_id)).run
    if run.state not in DECIDED or not line.amount_fen or view.hold is not None:
        raise AwardUndecided
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    clause = scheme.clause(line.clause_id)
    events = await run_queries.list_run_events(session, run.id, page=PageAsked(len(RunEvent)))
    [approved] = (event.at for event in events if event.event == RunEvent.APPROVE)
    project = f"项目“{line.name}”" if clause.unit is Unit.PROJECT else ""
    article = clause.cite.article or "（条款编号未公开）"
    return printed.page(
        "奖补决定通知书",
        printed.addressed(line.id, line.enterprise_zh, line.uscc),
        printed.paragraph(
            f"根据《{scheme.title.zh}》{article}，你单位{project}获得{run.year}年度“{printed.within(clause.title.zh)}”，"
            f"金额为{printed.sum_told(Fen(line.amount_fen))}。"
        ),
        printed.paragraph(f"经核定，{explain(dossier.line_of(line), scheme, run.year).zh}"),
        printed.paragraph(
            f"名单已于{printed.day_told(run.publicity_from)}至{printed.day_told(run.publicity_to)}公示。"
            "资金将按规定程序经银行拨付至你单位账户。"
        ),
        printed.signed(dossier.issuer_of(scheme), printed.day_told(business_date(approved))),
    )
