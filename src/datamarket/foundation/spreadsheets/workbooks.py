"""Tables as sheets of a workbook. Loads openpyxl: import it where a workbook is asked for."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer.excel import ExcelWriter

from datamarket.foundation.documents.archive import EARLIEST, UndatedZip
from datamarket.foundation.spreadsheets.cells import safe

_LONGEST = 32_767
"""Characters of a cell."""
_A4 = 9  # of the paper sizes that spreadsheets number
_AMOUNT_FORMAT = "#,##0.00"
Headings = Sequence[tuple[str, ...]]
Rows = Iterable[Sequence[Any]]


class Book(Workbook):
    """A workbook whose rows are written here: with an object a cell the dossier of a run takes ten times as long."""

    def __init__(self) -> None:
        super().__init__(write_only=True)
        self.rows: list[list[str]] = []
        """Of each sheet."""


def new_book(title: str = "", as_of: datetime | None = None) -> Book:
    """An empty workbook; its title heads each printed page, and `as_of` is the instant that it says it was made at."""
    book = Book()
    book.properties.title = title
    made = as_of.astimezone(UTC).replace(tzinfo=None) if as_of else datetime(*EARLIEST)  # noqa: DTZ001 - as openpyxl keeps it
    book.properties.created = book.properties.modified = made
    return book


class _Filled(UndatedZip):
    """A zip in which each sheet, as openpyxl writes it, is given its rows."""

    def __init__(self, content: io.BytesIO, book: Book) -> None:
        super().__init__(content, "w")
        self._rows = iter(book.rows)

    def write(self, filename: Any, arcname: Any = None, *_: Any) -> None:
        begun, ended, after = Path(filename).read_text("utf-8").partition("</sheetData>")
        self.writestr(str(arcname), "".join([begun, *next(self._rows), ended, after]))


def packed(book: Book) -> bytes:
    """The file: of equal contents equal bytes, which is why `Workbook.save`, which writes the instant, is not asked."""
    content = io.BytesIO()
    ExcelWriter(book, _Filled(content, book)).save()
    return content.getvalue()


def add_sheet(book: Book, title: str, widths: Sequence[int], *tables: tuple[Headings, Rows]) -> Any:
    """Each table as its heading rows, Chinese above English, and its rows; a blank row between tables.

    It prints on A4 across, as wide as the page, with the headings, its title and the number on each page.
    """
    sheet = book.create_sheet(title)
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    above = len(tables[0][0][0])
    sheet.freeze_panes = f"A{above + 1}"
    _set_print(sheet, title, above)
    told: list[Sequence[Any]] = []
    for headings, rows in tables:
        told += [[]] if told else []
        told += [[_Heading(text) for text in texts] for texts in zip(*headings, strict=True)]
        told += rows
    styles = _Styles(sheet)
    book.rows.append([_row(number, row, styles) for number, row in enumerate(told, start=1)])
    return sheet


def _row(number: int, row: Sequence[Any], styles: "_Styles") -> str:
    cells = (
        _cell(f"{get_column_letter(column)}{number}", value, styles[type(value)])
        for column, value in enumerate(row, start=1)
    )
    return f'<row r="{number}">{"".join(cells)}</row>'


def _set_print(sheet: Any, title: str, above: int) -> None:
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"1:{above}"
    named = [part for part in (sheet.parent.properties.title, title) if part]
    sheet.oddHeader.center.text = " · ".join(named).replace("&", "&&")
    sheet.oddFooter.center.text = "第 &P 页 共 &N 页 · page &P of &N"


class _Heading(str):
    """Of a column."""

    __slots__ = ()


def _cell(place: str, value: Any, style: int) -> str:
    """A cell as the file has it. Numbers go in exactly as they are told."""
    begun = f'<c r="{place}" s="{style}"'
    if value is None or value == "":
        return f"{begun} />"
    if isinstance(value, bool):
        return f'{begun} t="b"><v>{value:d}</v></c>'
    if isinstance(value, int | Decimal):
        return f"{begun}><v>{value}</v></c>"
    text = escape(safe(value)[:_LONGEST])
    return f'{begun} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


class _Styles(dict[type, int]):
    """How values of each type look on a sheet, by the number that the file has for it."""

    def __init__(self, sheet: Any) -> None:
        super().__init__()
        self._sheet = sheet

    def __missing__(self, kind: type) -> int:
        cell = WriteOnlyCell(self._sheet)
        if issubclass(kind, Decimal):
            cell.number_format = _AMOUNT_FORMAT
        if kind is _Heading:
            cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=issubclass(kind, str), vertical="top")
        self[kind] = number = int(cell.style_id)
        return number
