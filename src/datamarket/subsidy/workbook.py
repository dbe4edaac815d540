"""The awards of a year as a workbook for people.

Amounts are numbers with two decimals as long as a spreadsheet keeps every fen, and text above that; rates
are text.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from datamarket.foundation import money
from datamarket.foundation.errors import Invalid
from datamarket.subsidy.lifecycle import LABELS
from datamarket.subsidy.terms import LineStatus

EXACT_FEN = 10**13  # below it a spreadsheet's fifteen digits hold every fen
_AMOUNT_FORMAT = "#,##0.00"
_WIDTHS = {
    "汇总 summary": (28, 30, 12, 22),
    "明细 lines": (20, 22, 22, 24, 24, 24, 20, 8, 10, 18, 12, 20, 70, 70),
    "步骤 steps": (20, 22, 8, 16, 26, 36),
}
_RISKY = ("=", "+", "-", "@", "\t", "\r")
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
    zh = "无法写入“{file}”：{reason}。"
    en = "'{file}' cannot be written: {reason}."


def write_workbook(document: Mapping[str, Any], path: Path) -> None:
    """Write what `evaluation.evaluate_files` gave: a summary, the lines, every step.

    Raises WorkbookNotWritten.
    """
    book = Workbook(write_only=True)
    _write(book, "汇总 summary", _SUMMARY, _summary(document), _TOTALS, _totals(document["lines"]))
    _write(book, "明细 lines", _LINES, map(_line, document["lines"]))
    _write(book, "步骤 steps", _STEPS, _steps(document["lines"]))
    packed = io.BytesIO()
    book.save(packed)
    try:
        path.write_bytes(packed.getvalue())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkbookNotWritten(file=path.name, reason=reason) from error


def _write(book: Workbook, title: str, *tables: Any) -> None:
    """Each table as two heading rows, Chinese and English, and its rows; a blank row between tables."""
    sheet = book.create_sheet(title)
    for column, width in enumerate(_WIDTHS[title], start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A3"
    for index in range(0, len(tables), 2):
        if index:
            sheet.append([])
        headings: Sequence[tuple[str, str]] = tables[index]
        rows: Iterable[Sequence[Any]] = tables[index + 1]
        sheet.append([_heading(sheet, zh) for zh, _ in headings])
        sheet.append([_heading(sheet, en) for _, en in headings])
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])


def _heading(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(sheet: Any, value: Any) -> Any:
    cell = WriteOnlyCell(sheet, _safe(value))
    if isinstance(value, Decimal):
        cell.number_format = _AMOUNT_FORMAT
    cell.alignment = Alignment(wrap_text=isinstance(value, str), vertical="top")
    return cell


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is led by an apostrophe."""
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("�", value)
    return f"'{text}" if text.startswith(_RISKY) and not _is_amount(text) else text


def _is_amount(text: str) -> bool:
    try:
        money.parse_yuan(text)
    except ValueError:
        return False
    return text == text.strip()


def _yuan(fen: int | None) -> Decimal | str:
    if fen is None:
        return ""
    return Decimal(fen).scaleb(-2) if abs(fen) < EXACT_FEN else money.yuan(fen)


def _status(status: str) -> str:
    return " · ".join(LABELS[LineStatus(status)])


def _summary(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    run = [("运行编号 run id", document["run_id"])] if "run_id" in document else []
    return [
        *run,
        ("方案 scheme", document["scheme"]),
        ("年度 year", document["year"]),
        ("合计（元） total (yuan)", _yuan(document["total_fen"])),
        ("方案哈希 scheme sha256", document["scheme_sha256"]),
        ("快照哈希 snapshot sha256", document["snapshot_sha256"]),
        ("结果哈希 result sha256", document["result_sha256"]),
        *(("提示 note", f"{note['zh']} · {note['en']}") for note in document["notes"]),
    ]


def _totals(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int, Any]]:
    amounts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line in lines:
        amounts[line["clause"], line["status"]].append(line["amount_fen"])
    return [(clause, _status(status), len(fen), _yuan(sum(fen))) for (clause, status), fen in amounts.items()]


def _line(line: Mapping[str, Any]) -> list[Any]:
    return [
        line["clause"],
        line["candidate"],
        line["enterprise"],
        line["enterprise_name"],
        line["name"],
        _status(line["status"]),
        _yuan(line["base_fen"]),
        line["rank"],
        line["rate"] or "",
        _yuan(line["cap_fen"]),
        "是 yes" if line["cap_bound"] else "否 no",
        _yuan(line["amount_fen"]),
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
        return f"{figure.removesuffix('_fen')} (yuan)", _yuan(value)
    if value is None or isinstance(value, bool):
        return figure, {None: "", True: "true", False: "false"}[value]
    return figure, str(value)
