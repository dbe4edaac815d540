"""The awards of a year as a workbook for people.

Amounts are numbers with two decimals as long as a spreadsheet keeps every fen, and text above that; rates
are text.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.foundation.spreadsheets import workbooks
from datamarket.foundation.spreadsheets.cells import amount
from datamarket.subsidy.terms import LineStatus

_WIDTHS = {
    "汇总 summary": (28, 30, 12, 22),
    "明细 lines": (20, 22, 22, 24, 24, 24, 20, 8, 10, 18, 12, 20, 70, 70),
    "步骤 steps": (20, 22, 8, 16, 26, 36),
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


class WorkbookNotWritten(Invalid):
    code = "subsidy.workbook-not-written"
    zh = "无法写入“{file}”：操作系统答复“{reason}”。"
    en = "'{file}' cannot be written: the system says '{reason}'."


def workbook_of(document: Mapping[str, Any]) -> bytes:
    """What `evaluation.evaluate_files` gave: a summary, the lines, every step."""
    book = workbooks.new_book()
    summary, lines, steps = _WIDTHS
    totals = (_TOTALS, _totals(document["lines"]))
    workbooks.add_sheet(book, summary, _WIDTHS[summary], (_SUMMARY, _summary(document)), totals)
    workbooks.add_sheet(book, lines, _WIDTHS[lines], (_LINES, map(_line, document["lines"])))
    workbooks.add_sheet(book, steps, _WIDTHS[steps], (_STEPS, _steps(document["lines"])))
    return workbooks.packed(book)


def write_workbook(document: Mapping[str, Any], path: Path) -> None:
    """The same as a file. Raises WorkbookNotWritten."""
    try:
        path.write_bytes(workbook_of(document))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkbookNotWritten(file=path.name, reason=reason) from error


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


def _totals(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int, Any]]:
    amounts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line in lines:
        amounts[line["clause"], line["status"]].append(line["amount_fen"])
    return [
        (clause, _status(status), len(fen), amount(sum(fen))) for (clause, status), fen in amounts.items()
    ]


def _line(line: Mapping[str, Any]) -> list[Any]:
    return [
        line["clause"],
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


def _steps(lines: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Any, ...]]:
    for line in lines:
        for number, step in enumerate(line["steps"], start=1):
            for figure, value in step.items():
                if figure != "step":
                    yield line["clause"], line["candidate"], number, step["step"], *_figure(figure, value)


def _figure(figure: str, value: Any) -> tuple[str, Any]:
    if figure.endswith("_fen"):
        return f"{figure.removesuffix('_fen')} (yuan)", amount(value)
    if value is None or isinstance(value, bool):
        return figure, {None: "", True: "true", False: "false"}[value]
    return figure, str(value)
