"""Cells of CSV files and workbooks, bounded, as they were typed; what they do not show is said beside them.

A workbook's number is taken as the shortest decimal that is the same binary number, up to fifteen digits: any
other has already lost its exact value. Such cells are kept as `Unreadable`, and refused when they are read.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from datamarket.foundation.inputs.texts import Said, ValueFault, unseen_in
from datamarket.foundation.spreadsheets import bounds
from datamarket.foundation.spreadsheets.figures import DAY_ZERO, EXACT_DIGITS

if TYPE_CHECKING:
    from datamarket.foundation.spreadsheets.layout import Layout

EXACT_YUAN = 10**13  # below it a spreadsheet keeps both decimals: fifteen digits in all
LISTED = 10
"""Rows or columns that a note names."""
MAGNIFIED = ("万", "亿")
"""A format with one of these shows another number than the cell holds."""
_EDGES = "\u200b\u200c\u200d\u2060\ufeff"
_UNTOUCHED = re.compile(r"(Sheet|工作表)\d+")
_PACKED, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
SAVE_AS_XLSX = (
    "请在表格软件中打开，另存为“Excel 工作簿（.xlsx）”，不加密码",
    "open it in a spreadsheet program and save it as an Excel workbook (.xlsx) without a password",
)
SAVE_AS_UTF8 = ("请另存为“CSV UTF-8（逗号分隔）”", "save it as CSV UTF-8, comma delimited")
MAKE_SMALLER = (
    "请拆分文件，或删去多余的行、列、格式和工作表",
    "split the file, or delete the rows, columns, formats and sheets that hold nothing",
)
WRITE_AS_TEXT = (
    "请把该列设为文本格式后按原样重新填写",
    "give the column the format text and write the value again as it is",
)
_PASTE_VALUES = (
    "请在表格软件中打开、保存后重试，或粘贴为数值",
    "open and save it in a spreadsheet program, or paste it as a value",
)


class TableFault(ValueFault):
    """What is wrong with a file, in which row, and how to mend it."""

    def __init__(self, problem: Said, mend: Said, row: int = 1) -> None:
        super().__init__(*problem)
        self.mend, self.row = mend, row


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose exact content is not known, why, and how to mend it."""

    problem: Said
    mend: Said = WRITE_AS_TEXT


Cell = str | int | bool | Decimal | Unreadable | None


@dataclass(slots=True)
class RawTable:
    """Rows numbered as a person counts them; `merged` cells stand for one; `said` is what must be known of it."""

    title: str
    rows: list[tuple[int, list[Cell]]]
    said: list[tuple[str, Said]] = field(default_factory=list)
    merged: list[bounds.Area] = field(default_factory=list)
    day_zero: date = DAY_ZERO
    ragged: bool = False


def letters(column: int) -> str:
    """1 → 'A', 27 → 'AA'."""
    before, last = divmod(column - 1, 26)
    return (letters(before) if before else "") + chr(ord("A") + last)


def listed(numbers: Iterable[Any]) -> str:
    """The first of them, for a note."""
    told = [str(number) for number in numbers]
    return "、".join(told[:LISTED]) + ("…" if len(told) > LISTED else "")


def read_csv_table(title: str, content: bytes) -> RawTable:
    """UTF-8, or GB18030 as older spreadsheet programs write. Raises TableFault and BeyondBounds."""
    bounds.check_bytes(content)
    if content.startswith((_PACKED, _COMPOUND)):
        raise TableFault(("内容是工作簿，不是 CSV", "it holds a workbook, not CSV"), SAVE_AS_UTF8)
    said: list[tuple[str, Said]] = []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            row = content.count(b"\n", 0, error.start) + 1
            problem = ("既不是 UTF-8 也不是 GB18030 编码", "neither UTF-8 nor GB18030")
            raise TableFault(problem, SAVE_AS_UTF8, row) from None
        said = [("encoding", ("按 GB18030 编码读取", "read as GB18030"))]
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise TableFault(
            ("含有空字符，文件已损坏", "a NUL character: the file is damaged"), SAVE_AS_UTF8, row
        )
    return RawTable(title, list(_csv_rows(text)), said)


def _csv_rows(text: str) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 1
    try:
        for cells in bounds.bounded(reader):
            yield row, [_text_cell(cell) for cell in cells]
            row = reader.line_num + 1
    except bounds.BeyondBounds as error:
        raise TableFault((error.zh, error.en), MAKE_SMALLER, row) from None
    except csv.Error as error:
        raise TableFault(("CSV 格式错误，多半是引号不成对", str(error)), SAVE_AS_UTF8, row) from None


def read_workbook_tables(content: bytes) -> list[RawTable]:
    """Every sheet but the empty ones that a new workbook comes with. Raises TableFault and BeyondBounds."""
    if not content.startswith(_PACKED):
        old = (
            "是旧格式（.xls、.et）或加了密码的工作簿",
            "a workbook of the old kind (.xls, .et) or with a password",
        )
        other = (
            "内容不是工作簿，可能是改了扩展名的 CSV 或网页",
            "not a workbook: perhaps CSV or a web page under another name",
        )
        raise TableFault(old if content.startswith(_COMPOUND) else other, SAVE_AS_XLSX)
    try:
        bounds.check_workbook(content)
        return _sheets(content)
    except bounds.BeyondBounds:
        raise
    except Exception as error:
        problem = ("工作簿无法读取，文件可能已损坏", "the workbook cannot be read, it may be damaged")
        raise TableFault(problem, SAVE_AS_XLSX) from error


def _sheets(content: bytes) -> list[RawTable]:
    from openpyxl import load_workbook  # noqa: PLC0415 - a sixth of a second that starting a server need not wait

    from datamarket.foundation.spreadsheets.layout import Layout  # noqa: PLC0415 - goes with the workbook

    tables = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that carry no fact
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            pages: Any = book.worksheets
            for sheet in pages:
                with sheet._get_source() as part:  # noqa: SLF001 - where its part lies differs from file to file
                    layout = Layout(part)
                rows = list(_numbered(sheet, layout))
                empty = all(cell is None for _, cells in rows for cell in cells)
                if not (empty and _UNTOUCHED.fullmatch(sheet.title)):
                    said = [*_said(sheet, layout, rows), *_linked(content)]
                    tables.append(
                        RawTable(sheet.title, rows, said, layout.merged, book.epoch.date(), ragged=True)
                    )
        finally:
            book.close()
    return tables


def _said(sheet: Any, layout: "Layout", rows: list[tuple[int, list[Cell]]]) -> Iterator[tuple[str, Said]]:
    """What a person who looks at the sheet does not see, and what was read all the same."""
    filled = {row: cells for row, cells in rows if any(cell is not None for cell in cells)}
    if sheet.sheet_state != "visible":
        yield "hidden", ("工作表是隐藏的，已照常读取", "the sheet is hidden; it was read all the same")
    if hidden := [row for row in filled if row in layout.hidden_rows]:
        told = listed(hidden)
        yield (
            "hidden",
            (
                f"第 {told} 行被隐藏或筛选，已照常读取",
                f"rows {told} are hidden or filtered; they were read all the same",
            ),
        )
    widest = max(map(len, filled.values()), default=0)
    if columns := [letters(column) for column in sorted(layout.hidden_columns) if column <= widest]:
        told = listed(columns)
        yield (
            "hidden",
            (f"{told} 列被隐藏，已照常读取", f"columns {told} are hidden; they were read all the same"),
        )
    if layout.calculated:
        told = listed(f"{letters(column)}{row}" for row, column in sorted(layout.calculated))
        yield (
            "formula",
            (f"{told} 是公式，取保存时的值", f"{told} are formulas; their saved values were read"),
        )


def _linked(content: bytes) -> Iterator[tuple[str, Said]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(name.startswith("xl/externalLinks/") for name in archive.namelist()):
            yield (
                "linked",
                (
                    "工作簿链接其他文件：未打开，取保存时的值",
                    "the workbook links other files: they were not opened, saved values were read",
                ),
            )


def _numbered(sheet: Any, layout: "Layout") -> Iterator[tuple[int, list[Cell]]]:
    sheet.reset_dimensions()  # the stated dimensions need not be true
    written = 0  # one text may be named by every cell
    for row, cells in enumerate(sheet.iter_rows(), start=1):
        written += sum(len(cell.value) for cell in cells if isinstance(cell.value, str))
        if written > bounds.MOST_UNPACKED:
            raise bounds.BeyondBounds("文字过多", "it holds too much text")
        yield (
            row,
            [
                _cell(cell, calculated=(row, column) in layout.calculated)
                for column, cell in enumerate(cells, start=1)
            ],
        )


def _cell(cell: Any, *, calculated: bool) -> Cell:
    value = cell.value
    if value is None and calculated:
        return Unreadable(("公式没有保存计算结果", "a formula without a saved value"), _PASTE_VALUES)
    if cell.data_type == "e":
        return Unreadable((f"单元格是错误值 {value}", f"the cell is the error {value}"), _PASTE_VALUES)
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool) else _number(value, cell.number_format)


def _number(value: Any, shown_as: str) -> Cell:
    if any(word in shown_as for word in MAGNIFIED):
        problem = (
            f"{value} 以万或亿显示，读法有歧义",
            f"{value} is shown in another unit than it is kept in",
        )
        mend = (
            "请改用常规数字格式，在表头注明单位",
            "use a plain number format and name the unit in the heading",
        )
        return Unreadable(problem, mend)
    exact = value if isinstance(value, int) else _as_typed(repr(value))
    if exact is None:
        return Unreadable((f"数值 {value} 已失去精确值", f"the number {value} has lost its exact value"))
    return exact


def _text_cell(text: str) -> Cell:
    """What is around a text and cannot be seen is no part of it; within it, it is refused."""
    seen = text.strip().strip(_EDGES).strip()
    fault = unseen_in(seen)
    if fault is not None:
        return Unreadable(
            (fault.zh, fault.en), ("请删去该字符或整格重新输入", "type the cell anew without it")
        )
    return seen or None


def _as_typed(shortest: str) -> Decimal | None:
    """The number that was typed; None when it cannot be known.

    A workbook stores binary numbers. `repr` gives the shortest decimal that is the same binary number, and
    up to fifteen digits that decimal is the typed one; what arithmetic left behind has more.
    """
    exact = Decimal(shortest)
    if not exact.is_finite() or abs(exact) >= EXACT_YUAN or len(exact.as_tuple().digits) > EXACT_DIGITS:
        return None
    return exact
