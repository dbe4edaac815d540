"""Rows of text from CSV files or a workbook; every mistake names file, row and column.

Sheets and files are found by name in either case; one of another name is refused, lest a misspelt table
be missed. A workbook's number is taken when it is whole, or when its shortest decimal has at most two
places: any other number has already lost its exact value, and a formula is not a figure. Such cells are
kept as `Unreadable` and refused when they are read.
"""

import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from datamarket.foundation.documents.reading import read_at_most
from datamarket.foundation.errors import Invalid
from datamarket.foundation.inputs.texts import unseen_in
from datamarket.foundation.spreadsheets import bounds

EXACT_YUAN = 10**13  # below it a spreadsheet keeps both decimals: fifteen digits in all


class FactsInvalid(Invalid):
    code = "subsidy.facts-invalid"
    zh = "{file} 第 {row} 行“{column}”列有误：{problem_zh}。"
    en = "{file}, row {row}, column '{column}': {problem_en}."


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose exact content is not known, and why."""

    zh: str
    en: str


Cell = str | int | bool | Decimal | Unreadable | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A header and its rows, numbered as a person counts them."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]

    def wrong(self, row: int, column: str, zh: str, en: str) -> FactsInvalid:
        """The error to raise for one cell."""
        return FactsInvalid(file=self.file, row=row, column=column, problem_zh=zh, problem_en=en)


def read_sheets(path: Path, names: Sequence[str]) -> dict[str, Sheet]:
    """Those of the named sheets that a folder of CSV files or a workbook has. Raises FactsInvalid."""
    if path.is_dir():
        files = {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() == ".csv"}
        found = _named(path.name, list(files), names)
        sheets = {name: _read_csv(files[stem]) for name, stem in found.items()}
    elif path.is_file() and path.suffix.lower() == ".xlsx":
        sheets = _read_workbook(path, names)
    else:
        raise _unusable(
            path.name, "不是文件夹，也不是 .xlsx 工作簿", "neither a folder nor an .xlsx workbook"
        )
    if not sheets:
        wanted = ", ".join(names)
        raise _unusable(path.name, f"没有 {wanted} 中的任何一个", f"it has none of {wanted}")
    return sheets


def _named(file: str, titles: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which title stands for which name, in either case. Raises FactsInvalid for a title that stands for none."""
    found: dict[str, str] = {}
    wanted = ", ".join(names)
    for title in titles:
        name = title.strip().lower()
        if name not in names:
            zh, en = f"不认识表“{title}”，应为 {wanted}", f"'{title}' is no known table; expected: {wanted}"
            raise _unusable(file, zh, en)
        if name in found:
            zh = f"表“{found[name]}”与“{title}”重名"
            raise _unusable(file, zh, f"'{found[name]}' and '{title}' are the same table")
        found[name] = title
    return found


def _unusable(file: str, zh: str, en: str, row: int = 1) -> FactsInvalid:
    return FactsInvalid(file=file, row=row, column="-", problem_zh=zh, problem_en=en)


def _read_csv(path: Path) -> Sheet:
    content = read_at_most(path, bounds.MOST_BYTES)
    try:
        text = bounds.check_bytes(content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise _unusable(
            path.name, "不是 UTF-8 编码，请另存为 UTF-8", "not UTF-8; save it as UTF-8", row
        ) from None
    except bounds.BeyondBounds as error:
        raise _unusable(path.name, error.zh, error.en) from None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise _unusable(path.name, "含有空字符，文件已损坏", "a NUL character: the file is damaged", row)
    return _sheet(path.name, _csv_rows(path.name, text), ragged=False)


def _csv_rows(file: str, text: str) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 1
    try:
        for cells in bounds.bounded(reader):
            yield row, [_text_cell(cell) for cell in cells]
            row = reader.line_num + 1
    except bounds.BeyondBounds as error:
        raise _unusable(file, error.zh, error.en, row) from None
    except csv.Error as error:
        raise _unusable(file, "CSV 格式错误", str(error), row) from None


def _read_workbook(path: Path, names: Sequence[str]) -> dict[str, Sheet]:
    try:
        content = read_at_most(path, bounds.MOST_BYTES)
        bounds.check_workbook(content)
        raw = _raw_rows(path.name, content, names)
    except FactsInvalid:
        raise
    except bounds.BeyondBounds as error:
        raise _unusable(path.name, error.zh, error.en) from None
    except Exception as error:
        raise _unusable(path.name, "工作簿无法读取", "the workbook cannot be read") from error
    return {name: _sheet(f"{path.name}:{name}", rows, ragged=True) for name, rows in raw.items()}


def _raw_rows(file: str, content: bytes, names: Sequence[str]) -> dict[str, list[tuple[int, list[Cell]]]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - a sixth of a second that starting a server need not wait

    raw: dict[str, list[tuple[int, list[Cell]]]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that carry no fact
        book = load_workbook(io.BytesIO(content), read_only=True)
        try:
            for name, title in _named(file, book.sheetnames, names).items():
                raw[name] = list(_numbered(book[title]))
        finally:
            book.close()
    return raw


def _numbered(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    sheet.reset_dimensions()  # the stated dimensions need not be true
    written = 0  # one text may be named by every cell
    for row, cells in enumerate(sheet.iter_rows(), start=1):
        written += sum(len(cell.value) for cell in cells if isinstance(cell.value, str))
        if written > bounds.MOST_UNPACKED:
            raise bounds.BeyondBounds("文字过多", "it holds too much text")
        yield row, [_cell(cell.value, cell.data_type) for cell in cells]


def _cell(value: Any, data_type: str) -> Cell:
    if data_type == "f":
        return Unreadable("公式不是数值，请粘贴为文字", "a formula is not a figure; paste it as text")
    if data_type == "e":
        return Unreadable(f"单元格是错误值 {value}", f"the cell is the error {value}")
    if isinstance(value, str):
        return _text_cell(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    zh = f"数值 {value} 已失去精确值，请以文字格式填写"
    inexact = Unreadable(zh, f"the number {value} has lost its exact value; write it as text")
    exact = _as_typed(repr(value)) if isinstance(value, float) else None
    return inexact if exact is None else exact


def _text_cell(text: str) -> Cell:
    fault = unseen_in(text)
    return Unreadable(fault.zh, fault.en) if fault else text.strip() or None


def _as_typed(shortest: str) -> Decimal | None:
    """The amount that was typed, when it has at most two decimals; None when it cannot be known.

    A workbook stores binary numbers. `repr` gives the shortest decimal that is the same binary number, and
    up to fifteen digits that decimal is the typed one; what arithmetic left behind has more decimals.
    """
    exact = Decimal(shortest)
    if not exact.is_finite() or abs(exact) >= EXACT_YUAN:
        return None
    return exact if exact == exact.quantize(Decimal("0.01")) else None


def _sheet(file: str, rows: Iterable[tuple[int, list[Cell]]], *, ragged: bool) -> Sheet:
    numbered = [(row, cells) for row, cells in rows if any(cell is not None for cell in cells)]
    if not numbered:
        raise _unusable(file, "没有表头", "there is no header")
    header_row, header = numbered[0]
    columns = tuple(cell if isinstance(cell, str) else "" for cell in header)
    sheet = Sheet(file, columns, ())
    for index, column in enumerate(columns):
        if column and column in columns[:index]:
            raise sheet.wrong(header_row, column, "列名重复", "the column stands twice")
    width = len(columns)
    body = []
    for row, cells in numbered[1:]:
        if any(cell is not None for cell in cells[width:]) or (len(cells) < width and not ragged):
            zh, en = (
                f"应有 {width} 个单元格，实有 {len(cells)} 个",
                f"{width} cells are due, {len(cells)} are there",
            )
            raise sheet.wrong(row, "-", zh, en)
        padded = (*cells, *[None] * width)[:width]
        body.append((row, padded))
    return Sheet(file, columns, tuple(body))
