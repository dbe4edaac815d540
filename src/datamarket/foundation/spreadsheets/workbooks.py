"""Tables as sheets of a workbook. Loads openpyxl: import it where a workbook is asked for."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer.excel import ExcelWriter

from datamarket.foundation.documents.archive import EARLIEST, UndatedZip
from datamarket.foundation.spreadsheets.cells import safe

_A4 = 9  # of the paper sizes that spreadsheets number
_AMOUNT_FORMAT = "#,##0.00"
Headings = Sequence[tuple[str, ...]]
Rows = Iterable[Sequence[Any]]


def new_book(title: str = "", as_of: datetime | None = None) -> Workbook:
    """An empty workbook; its title heads each printed page, and `as_of` is the instant that it says it was made at."""
    book = Workbook(write_only=True)
    book.properties.title = title
    made = as_of.astimezone(UTC).replace(tzinfo=None) if as_of else datetime(*EARLIEST)  # noqa: DTZ001 - as openpyxl keeps it
    book.properties.created = book.properties.modified = made
    return book


def packed(book: Workbook) -> bytes:
    """The file: of equal contents equal bytes, which is why `Workbook.save`, which writes the instant, is not asked."""
    content = io.BytesIO()
    ExcelWriter(book, UndatedZip(content, "w")).save()
    return content.getvalue()


def add_sheet(book: Workbook, title: str, widths: Sequence[int], *tables: tuple[Headings, Rows]) -> Any:
    """Each table as its heading rows, Chinese above English, and its rows; a blank row between tables.

    It prints on A4 across, as wide as the page, with the headings, its title and the number on each page.
    """
    sheet = book.create_sheet(title)
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    above = len(tables[0][0][0])
    sheet.freeze_panes = f"A{above + 1}"
    _set_print(sheet, title, above)
    cells = _Cells(sheet)
    for index, (headings, rows) in enumerate(tables):
        if index:
            sheet.append([])
        for texts in zip(*headings, strict=True):
            sheet.append(cells.filled(texts, heading=True))
        for row in rows:
            sheet.append(cells.filled(row))
    return sheet


def _set_print(sheet: Any, title: str, above: int) -> None:
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"1:{above}"
    named = [part for part in (sheet.parent.properties.title, title) if part]
    sheet.oddHeader.center.text = " · ".join(named).replace("&", "&&")
    sheet.oddFooter.center.text = "第 &P 页 共 &N 页 · page &P of &N"


class _Cells(dict[type, Any]):
    """One cell for each type of value, styled once and filled again and again: styling takes longer than writing."""

    def __init__(self, sheet: Any) -> None:
        super().__init__()
        self._sheet = sheet

    def filled(self, row: Sequence[Any], *, heading: bool = False) -> Iterator[Any]:
        """Each is written before the next is asked for."""
        for value in row:
            cell = self[_Heading if heading else type(value)]
            cell.value = safe(value)
            yield cell

    def __missing__(self, kind: type) -> Any:
        cell = self[kind] = WriteOnlyCell(self._sheet)
        cell.alignment = Alignment(wrap_text=issubclass(kind, str), vertical="top")
        if kind is _Heading:
            cell.font = Font(bold=True)
        if kind is Decimal:
            cell.number_format = _AMOUNT_FORMAT
        return cell


class _Heading(str):
    """Of a column."""

    __slots__ = ()
