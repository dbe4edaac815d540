"""The awards of a year as a workbook for people; of a run with all that is on file of it.

Amounts are numbers with two decimals as long as a spreadsheet keeps every fen, and text above that; rates
are text.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamarket.foundation.documents.reading import SystemFault
from datamarket.foundation.errors import Invalid
from datamarket.foundation.spreadsheets import workbooks
from datamarket.foundation.spreadsheets.cells import amount
from datamarket.subsidy.scheme.vocabulary import FACTS, PREDICATES
from datamarket.subsidy.studies import dossier_sheets
from datamarket.subsidy.terms import LineStatus

if TYPE_CHECKING:
    from datamarket.subsidy.runs.dossier import RunDossier

_WIDTHS = {
    "汇总 summary": (44, 44, 16, 22),
    "明细 lines": (22, 20, 20, 18, 16, 12, 15, 6, 8, 14, 8, 15, 62, 62),
    "步骤 steps": (44, 22, 8, 22, 30, 36),
}
_SUMMARY = (("项目", "item"), ("内容", "value"))
_TOTALS = (("条款", "clause"), ("状态", "status"), ("数量", "count"), ("金额（元）", "amount (yuan)"))
_LINES = (
    ("条款", "clause"),
    ("申报对象", "candidate"),
    ("企业", "enterprise"),
    ("企业名称", "enterprise name"),
    ("名称", "name"),
    ("状态", "status"),
    ("基数（元）", "base (yuan)"),
    ("排名", "rank"),
    ("比例", "rate"),
    ("上限（元）", "cap (yuan)"),
    ("触及上限", "cap-bound"),
    ("金额（元）", "amount (yuan)"),
    ("说明", "explanation (zh)"),
    ("英文说明", "explanation (en)"),
)
_STEPS = (
    ("条款", "clause"),
    ("申报对象", "candidate"),
    ("序号", "no."),
    ("步骤", "step"),
    ("要素", "figure"),
    ("值", "value"),
)


STEPS = {
    "condition": "条件", "base": "计奖基数", "rank": "排名", "rate": "比例", "tier": "分档", "floor": "下限", "cap": "上限",
    "round": "舍入", "stacking": "叠加", "enterprise_cap": "企业上限", "budget": "预算", "final": "核定",
}  # fmt: skip
"""What each stage of the calculation is, in Chinese."""
FIGURES = {
    "above_fen": "高于", "after_fen": "之后", "among": "参与排名", "amount_fen": "金额", "article": "条款",
    "base_fen": "基数", "before_fen": "之前", "bound": "触及", "budget_fen": "预算", "by": "排名依据",
    "cap_fen": "上限", "distance": "距入围线", "distance_fen": "距入围线", "equal": "金额相同", "exact": "精确值",
    "fact": "事实", "floor_fen": "下限", "kept_candidate": "保留对象", "kept_clause": "保留条款", "mode": "方式",
    "observed": "所见", "of": "家数", "ok": "符合", "on": "日期", "part_fen": "档内金额", "predicate": "条件",
    "rank": "名次", "rate": "比例", "refunds_fen": "退款", "related_party_turnover_fen": "关联交易", "flagged_turnover_fen": "已确认疑点所涉交易", "flagged_investment_fen": "已确认疑点所涉投资额", "rule": "规则",
    "selected": "入围", "since": "施行日", "sum_fen": "合计", "tied_at_cut": "入围线处并列", "tied_with": "并列家数",
    "ties": "并列规则", "to_fen": "舍入单位", "top": "名额", "up_to_fen": "至",
}  # fmt: skip
"""What each figure of a step is, in Chinese."""


class WorkbookNotWritten(Invalid):
    code = "subsidy.workbook-not-written"
    zh = "无法写入“{file}”：{reason}。"
    en = "'{file}' cannot be written: {reason}."


def workbook_of(document: Mapping[str, Any], dossier: "RunDossier | None" = None) -> bytes:
    """What `evaluation.evaluate_files` gave: a summary, the lines, every step; of a run all that is on file of it."""
    title = f"{document['scheme']} {document['year']}"
    if dossier is not None:
        title = f"{dossier.scheme.title.zh} {document['year']}"
        document = {**document, "lines": dossier_sheets.lines_now(dossier)}
    book = workbooks.new_book(title, dossier.events[-1].at if dossier is not None else None)
    summary, lines, steps = _WIDTHS
    totals = (_TOTALS, _totals(document))
    above = dossier_sheets.summary_of(dossier) if dossier is not None else []
    below = [dossier_sheets.officers_of(dossier)] if dossier is not None else []
    rows = [*above, *_summary(document)]
    workbooks.add_sheet(book, summary, _WIDTHS[summary], (_SUMMARY, rows), totals, *below)
    workbooks.add_sheet(
        book, lines, _WIDTHS[lines], (_LINES, (_line(document, one) for one in document["lines"]))
    )
    workbooks.add_sheet(book, steps, _WIDTHS[steps], (_STEPS, _steps(document)))
    for name, widths, tables in dossier_sheets.sheets_of(dossier) if dossier is not None else ():
        workbooks.add_sheet(book, name, widths, *tables)
    return workbooks.packed(book)


def write_workbook(document: Mapping[str, Any], path: Path, dossier: "RunDossier | None" = None) -> None:
    """The same as a file. Raises WorkbookNotWritten."""
    try:
        path.write_bytes(workbook_of(document, dossier))
    except OSError as error:
        raise WorkbookNotWritten(file=path.name, reason=SystemFault.of(error)) from error


def _status(status: str) -> str:
    return " · ".join(LineStatus(status).labels)


def _summary(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    run = [("运行编号 run id", document["run_id"])] if "run_id" in document else []
    return [
        *run,
        ("方案 scheme", document["scheme"]),
        ("年度 year", document["year"]),
        ("合计（元） total (yuan)", amount(document["total_fen"])),
        ("方案哈希 scheme sha256", document["scheme_sha256"]),
        ("快照哈希 snapshot sha256", document["snapshot_sha256"]),
        ("结果哈希 result sha256", document["result_sha256"]),
        *(("提示 note", f"{note['zh']} · {note['en']}") for note in document["notes"]),
    ]


def _clause(document: Mapping[str, Any], clause: str) -> str:
    title = document["titles"][clause]
    return f"{title['zh']} · {title['en']}"


def _totals(document: Mapping[str, Any]) -> list[tuple[str, str, int, Any]]:
    amounts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line in document["lines"]:
        amounts[line["clause"], line["status"]].append(line["amount_fen"])
    return [
        (_clause(document, clause), _status(status), len(fen), amount(sum(fen)))
        for (clause, status), fen in amounts.items()
    ]


def _line(document: Mapping[str, Any], line: Mapping[str, Any]) -> list[Any]:
    return [
        _clause(document, line["clause"]),
        line["candidate"],
        line["enterprise"],
        line["enterprise_name"],
        line["name"],
        _status(line["status"]),
        amount(line["base_fen"]),
        line["rank"],
        line["rate"] or "",
        amount(line["cap_fen"]),
        "是 yes" if line["cap_bound"] else "否 no",
        amount(line["amount_fen"]),
        line["explanation"]["zh"],
        line["explanation"]["en"],
    ]


def _steps(document: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    for line in document["lines"]:
        clause = _clause(document, line["clause"])
        for number, step in enumerate(line["steps"], start=1):
            kind = f"{STEPS[step['step']]} {step['step']}"
            for figure, value in step.items():
                if figure != "step":
                    yield clause, line["candidate"], number, kind, *_figure(figure, value)


def _figure(figure: str, value: Any) -> tuple[str, Any]:
    name = " ".join((FIGURES.get(figure, figure), figure.removesuffix("_fen")))
    if figure.endswith("_fen"):
        return f"{name} (yuan)", amount(value)
    if value is None or isinstance(value, bool):
        return name, {None: "", True: "是 true", False: "否 false"}[value]
    known = FACTS.get(str(value)) or PREDICATES.get(str(value))
    return name, f"{known.zh} {value}" if known else str(value)
