"""Tables as sheets of a workbook. Loads openpyxl: import it where a workbook is asked for."""

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from datamarket.foundation.spreadsheets.cells import safe

_AMOUNT_FORMAT = "#,##0.00"
Headings = Sequence[tuple[str, str]]
Rows = Iterable[Sequence[Any]]


def new_book() -> Workbook:
    """An empty workbook."""
    return Workbook(write_only=True)


def packed(book: Workbook) -> bytes:
    """The file."""
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def add_sheet(book: Workbook, title: str, widths: Sequence[int], *tables: tuple[Headings, Rows]) -> None:
    """Each table as two heading rows, Chinese and English, and its rows; a blank row between tables."""
    sheet = book.create_sheet(title)
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A3"
    for index, (headings, rows) in enumerate(tables):
        if index:
            sheet.append([])
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
    cell = WriteOnlyCell(sheet, safe(value))
    if isinstance(value, Decimal):
        cell.number_format = _AMOUNT_FORMAT
    cell.alignment = Alignment(wrap_text=isinstance(value, str), vertical="top")
    return cell
