"""The notice of a public list, in Chinese, as a page that prints: awards, the last day, how to object."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import assumption, start_of_day
from datamarket.foundation.documents import printed
from datamarket.foundation.documents.printed import day_told, paragraph
from datamarket.foundation.money import yuan
from datamarket.subsidy.objections.actions import appeal_days
from datamarket.subsidy.runs import dossier, queries
from datamarket.subsidy.runs.dossier import check_calculated
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.runs.tables import SubsidyLine
from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.terms import Unit


async def notice_of(session: AsyncSession, view: RunView) -> str:
    """The whole page; a list that is not public yet has no days. Raises NotCalculated."""
    check_calculated(view)
    run, last = view.run, view.run.publicity_to
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    awards = await queries.award_lines(session, run.id)
    asked = start_of_day(run.publicity_from) if run.publicity_from else run.created_at
    title = f"{scheme.title.zh}{run.year}年度拟奖补名单公示"
    opening = (
        f"根据《{scheme.title.zh}》，经测算和审核，现将{run.year}年度拟奖补名单予以公示。"
        f"公示期自{day_told(run.publicity_from)}起，至{day_told(last)}止（含）{assumption(last)['assumed_zh']}。"
        f"{'本名单经重新测算，替代此前公示的名单。' if run.supersedes_id else ''}"
    )
    return printed.page(
        title,
        *([paragraph("本名单已被重新测算的名单取代，不再有效。")] if run.superseded_by_id else []),
        paragraph(opening),
        *(
            part
            for clause in scheme.clauses
            for part in _listed(clause, [line for line in awards if line.clause_id == clause.id])
        ),
        paragraph(f"以上合计{yuan(run.total_fen or 0, grouped=True)}元。"),
        printed.heading("异议"),
        *map(paragraph, _how_to_object(last, await appeal_days(session, run.id, asked))),
        printed.signed(dossier.issuer_of(scheme), day_told(run.publicity_from)),
        printed.footer(
            f"方案第 {view.scheme_version} 版 {view.scheme_sha256}",
            f"快照 {view.snapshot_sha256}",
            f"结果 {run.result_sha256}",
            f"运行 {run.id}",
        ),
    )


def _how_to_object(last: date | None, appeal: int) -> Iterable[str]:
    yield (
        f"对名单有异议的，包括认为应列入而未列入的，有关企业可在{day_told(last)}（含）前实名提出，说明理由并附证据材料："
        "登录市场提交异议，或由主管部门代为登记。逾期不再受理。"
    )
    yield "异议由未参与测算的人员决定；异议成立的，对全部申报对象重新测算，新名单重新公示。异议、申诉未了结前不予批准。"
    yield f"对驳回决定不服的，可在收到决定之日起{appeal}个工作日内申诉一次，由未参与原决定的人员办理。"


def _listed(clause: Clause, lines: Sequence[SubsidyLine]) -> Iterable[str]:
    yield printed.heading(clause.title.zh)
    if not lines:
        yield paragraph("无。")
        return
    by_project = clause.unit is Unit.PROJECT
    project = ["项目"] if by_project else []
    columns = ["序号" if by_project else "名次", "企业名称", "统一社会信用代码", *project, "金额（元）"]
    rows = [
        [
            str(line.rank or place),
            line.enterprise_zh,
            line.uscc,
            *([line.name] if by_project else []),
            yuan(line.amount_fen, grouped=True),
        ]
        for place, line in enumerate(lines, start=1)
    ]
    yield printed.table(columns, rows, yuan(sum(line.amount_fen for line in lines), grouped=True))
