"""The notice of a public list, in Chinese, as one HTML page without scripts that prints: awards, the last day, how to object."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.clock import assumption, start_of_day
from datamarket.foundation.money import yuan
from datamarket.subsidy.objections.actions import appeal_days
from datamarket.subsidy.runs import dossier, queries
from datamarket.subsidy.runs.dossier import check_calculated
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.runs.tables import SubsidyLine
from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.terms import Unit

_STYLE = (
    "@page{size:A4;margin:25mm 20mm}body{font:12pt/1.8 FangSong,'Noto Serif CJK SC',serif;max-width:170mm;margin:auto}"
    "h1{font-size:18pt;text-align:center}h2{font-size:13pt}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid;padding:2px 6px}td.n{text-align:right;white-space:nowrap}tr{break-inside:avoid}"
    "thead{display:table-header-group}p{text-indent:2em}footer{font-size:9pt;overflow-wrap:anywhere}"
)


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
        f"公示期自{_day(run.publicity_from)}起，至{_day(last)}止（含）{assumption(last)['assumed_zh']}。"
        f"{'本名单经重新测算，替代此前公示的名单。' if run.supersedes_id else ''}"
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        _paragraph(opening),
        *(
            _table(clause, [line for line in awards if line.clause_id == clause.id])
            for clause in scheme.clauses
        ),
        _paragraph(f"以上合计 {yuan(run.total_fen or 0, grouped=True)} 元。"),
        "<h2>异议</h2>",
        *map(_paragraph, _how_to_object(last, await appeal_days(session, run.id, asked))),
        _paragraph(f"发布单位：{scheme.instrument.issuer or '（政策文件未公开，发布单位未获得）'}"),
        _paragraph(f"发布日期：{_day(run.publicity_from)}"),
        f"<footer>方案第 {view.scheme_version} 版 {view.scheme_sha256}<br>快照 {view.snapshot_sha256}<br>",
        f"结果 {run.result_sha256}<br>运行 {run.id}</footer>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="zh-CN"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _how_to_object(last: date | None, appeal: int) -> Iterable[str]:
    yield (
        f"对名单有异议的，包括认为应列入而未列入的，有关企业可在{_day(last)}（含）前实名提出，说明理由并附证据材料："
        "登录市场提交异议，或由主管部门代为登记。逾期不再受理。"
    )
    yield "异议由未参与测算的人员决定；异议成立的，对全部申报对象重新测算，新名单重新公示。异议、申诉未了结前不予批准。"
    yield f"对驳回决定不服的，可在收到决定之日起{appeal}个工作日内申诉一次，由未参与原决定的人员办理。"


def _table(clause: Clause, lines: Sequence[SubsidyLine]) -> str:
    heading = f"<h2>{escape(clause.title.zh)}</h2>"
    if not lines:
        return heading + _paragraph("无。")
    by_project = clause.unit is Unit.PROJECT
    columns = ["序号" if by_project else "名次", "企业名称", "统一社会信用代码"]
    columns += ["项目", "金额（元）"] if by_project else ["金额（元）"]
    head = "".join(f"<th>{column}</th>" for column in columns)
    rows = []
    for place, line in enumerate(lines, start=1):
        cells = [str(line.rank or place), line.enterprise_zh, line.uscc]
        cells += [line.name] if by_project else []
        told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr>{told}<td class="n">{yuan(line.amount_fen, grouped=True)}</td></tr>')
    total = yuan(sum(line.amount_fen for line in lines), grouped=True)
    rows.append(f'<tr><td colspan="{len(columns) - 1}">小计</td><td class="n">{total}</td></tr>')
    return f"{heading}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _day(day: date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "（尚未公示）"
