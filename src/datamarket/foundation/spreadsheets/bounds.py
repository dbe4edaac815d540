"""A table is measured before it is walked: bytes, rows, columns, and what a reader would have to build.

A workbook is a packed folder of XML: a few kilobytes may unpack to gigabytes, and one cell far out makes a
reader fill all that lie before it. So each part runs once through a parser that keeps nothing.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from xml.parsers import expat

from datamarket.foundation.inputs.texts import ValueFault

MOST_BYTES = 16 << 20
"""Of a file: as much as the largest request."""
MOST_UNPACKED = 64 << 20
MOST_ROWS = 50_000
"""More than twice the enterprises of the largest simulated city."""
MOST_COLUMNS = 256
LONGEST_TEXT = 32_767
"""Characters of one cell: no spreadsheet keeps more."""
MOST_ELEMENTS = 1_500_000
"""What openpyxl builds in some ten seconds; a filled cell is two or three elements, a cell passed over is one."""
Area = tuple[int, int, int, int]
"""First row, first column, last row, last column."""
_LIGHT = {"row", "c", "v", "f", "is", "si", "t"}
_HEAVY = 20  # a style or a name is built as an object with descriptors, and costs as much as twenty cells
_PART = 1000  # opening one
_CHUNK = 1 << 16


class BeyondBounds(ValueFault):
    """Larger than what is read, and in which respect."""


def check_bytes(content: bytes) -> bytes:
    """A file that was read up to its bound. Raises BeyondBounds."""
    if len(content) > MOST_BYTES:
        raise BeyondBounds("文件超过 16 MiB", "the file is larger than 16 MiB")
    return content


def bounded(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows as they come. Raises BeyondBounds at the first that is one too many, too wide, or too long."""
    for number, cells in enumerate(rows, 1):
        _check(number, len(cells))
        if any(len(cell) > LONGEST_TEXT for cell in cells):
            raise BeyondBounds(
                f"内容超过 {LONGEST_TEXT} 字", f"a cell has more than {LONGEST_TEXT} characters"
            )
        yield cells


def _check(row: int, column: int) -> None:
    if row > MOST_ROWS:
        raise BeyondBounds(f"超过 {MOST_ROWS} 行", f"there are more than {MOST_ROWS} rows")
    if column > MOST_COLUMNS:
        raise BeyondBounds(f"超过 {MOST_COLUMNS} 列", f"there are more than {MOST_COLUMNS} columns")


def check_workbook(content: bytes) -> None:
    """Whether it can be opened. Raises BeyondBounds, and zipfile.BadZipFile for what is no workbook."""
    with zipfile.ZipFile(io.BytesIO(check_bytes(content))) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
            raise BeyondBounds("解压后过大", "too large when unpacked")
        measure = _Measure()
        for part in archive.infolist():
            measure.begin_part()
            parser = expat.ParserCreate()
            parser.StartElementHandler = measure.element
            parser.StartDoctypeDeclHandler = measure.doctype
            with archive.open(part) as file:
                try:
                    for chunk in iter(partial(file.read, _CHUNK), b""):
                        parser.Parse(chunk)
                except expat.ExpatError:
                    continue  # a picture; who reads it as XML meets the same error at the same place


class _Measure:
    """Where a reader would stand, and how much it would have built."""

    built = row = column = 0

    def begin_part(self) -> None:
        self.row = self.column = 0
        self._build(_PART)

    def doctype(self, *_declared: object) -> None:
        raise BeyondBounds(
            "含有 XML 类型声明，工作簿不使用它", "it declares an XML document type; a workbook has none"
        )

    def element(self, tag: str, attributes: Mapping[str, str]) -> None:
        name, cost = tag.rpartition(":")[2], 1
        if name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0
        elif name == "c":
            before, self.column = self.column, column_of(attributes.get("r", "")) or self.column + 1
            cost = max(1, self.column - before)
        _check(self.row, self.column)
        self._build(cost if name in _LIGHT else _HEAVY)

    def _build(self, cost: int) -> None:
        self.built += cost
        if self.built > MOST_ELEMENTS:
            raise BeyondBounds("单元格过多", "it has too many cells")


def column_of(reference: str) -> int:
    """'B7' → 2; 0 where none is named."""
    number = 0
    for letter in reference.rstrip("0123456789").upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
