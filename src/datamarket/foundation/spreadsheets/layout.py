"""How a sheet of a workbook looks: what is hidden, which cells are one, which were calculated."""

from collections.abc import Mapping
from typing import IO
from xml.parsers import expat

from datamarket.foundation.spreadsheets.bounds import MOST_COLUMNS, Area, column_of


class Layout:
    """What the cells themselves do not tell. The part was measured before: see `bounds.check_workbook`."""

    def __init__(self, part: IO[bytes]) -> None:
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.calculated: set[tuple[int, int]] = set()
        self.merged: list[Area] = []
        self._row = self._column = 0
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._element
        parser.ParseFile(part)

    def _element(self, tag: str, attributes: Mapping[str, str]) -> None:
        match tag.rpartition(":")[2]:
            case "row":
                self._row, self._column = int(attributes.get("r", self._row + 1)), 0
                if _hidden(attributes, "ht"):
                    self.hidden_rows.add(self._row)
            case "c":
                self._column = column_of(attributes.get("r", "")) or self._column + 1
            case "f":
                self.calculated.add((self._row, self._column))
            case "col" if _hidden(attributes, "width"):
                last = min(int(attributes["max"]), MOST_COLUMNS)
                self.hidden_columns.update(range(int(attributes["min"]), last + 1))
            case "mergeCell":
                first, _, last_cell = attributes["ref"].partition(":")
                self.merged.append((*_corner(first), *_corner(last_cell or first)))


def _hidden(attributes: Mapping[str, str], size: str) -> bool:
    return attributes.get("hidden") in ("1", "true") or attributes.get(size) == "0"


def _corner(reference: str) -> tuple[int, int]:
    return int(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), column_of(reference)
