"""The same test cases as two sheets of a workbook: 期望 what must come out, 给定 who is looked at."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datamarket.foundation import money
from datamarket.foundation.documents.plain_yaml import Document
from datamarket.foundation.spreadsheets.figures import FigureFault, plain
from datamarket.foundation.spreadsheets.rows import Cell
from datamarket.subsidy.facts.files import WANTED, check_columns, fact_in, read_text, read_value
from datamarket.subsidy.facts.sheets import Sheet, read_sheets
from datamarket.subsidy.scheme.dated_values import nearest
from datamarket.subsidy.scheme.vocabulary import FACTS, FactKind
from datamarket.subsidy.terms import LineStatus, Unit

EXPECT, GIVEN = "expect", "given"
KINDS = {
    "year": FactKind.COUNT,
    "award": FactKind.MONEY,
    "cap_bound": FactKind.TRUTH,
    "total": FactKind.MONEY,
    "ties_at_cut": FactKind.COUNT,
    "repeat": FactKind.COUNT,
    "step": FactKind.MONEY,
}
"""How a cell is read that is no fact; others are text."""
UNITS = {"企业": Unit.ENTERPRISE, "项目": Unit.PROJECT} | {unit.value: unit for unit in Unit}
STATUSES = {label: status.value for status in LineStatus for label in (status.value, *status.labels)}
NOT_KNOWN = ("未知", "unknown")


def read_example_sheets(path: Path) -> Document:
    """The cases as the YAML file has them. Raises FactsInvalid."""
    sheets = read_sheets(path, [EXPECT, GIVEN])
    examples: dict[str, dict[str, Any]] = {}
    if EXPECT not in sheets:
        mend = ("请从模板开始：subsidy template --cases", "begin with subsidy template --cases")
        raise sheets[GIVEN].wrong(1, "-", ("没有“期望”表", "there is no sheet 'expect'"), mend)
    expect = sheets[EXPECT]
    check_columns(expect, {"example", "scheme", "year"})
    for row, cells in _rows(expect):
        _expect(expect, row, cells, examples)
    if GIVEN in sheets:
        check_columns(sheets[GIVEN], {"example", "unit", "id"})
        for row, cells in _rows(sheets[GIVEN]):
            _give(sheets[GIVEN], row, cells, examples)
    return Document(list(examples.values()), {(): 1})


def _rows(sheet: Sheet) -> Iterable[tuple[int, dict[str, Any]]]:
    """Each row by column, empty cells left out."""
    for row, cells in sheet.rows:
        named = zip(sheet.columns, cells, strict=True)
        yield row, {name: _cell(sheet, row, name, cell) for name, cell in named if name and cell is not None}


def _cell(sheet: Sheet, row: int, column: str, cell: Cell) -> Any:
    if column in FACTS:
        if isinstance(cell, str) and plain(cell) in NOT_KNOWN:
            return None
        return _as_written(FACTS[column].kind, fact_in(sheet, row, column, cell))
    kind = KINDS.get(column)
    if kind is None:
        return read_text(sheet, row, column, cell)
    try:
        value = read_value(kind, cell, sheet, column)
    except FigureFault as error:
        raise sheet.wrong(row, column, (error.zh, error.en), error.mend) from None
    if value is None:
        problem, mend = WANTED[kind]
        raise sheet.wrong(row, column, (f"“{cell}”{problem[0]}", f"'{cell}' is {problem[1]}"), mend)
    return _as_written(kind, value)


def _as_written(kind: FactKind, value: Any) -> Any:
    return money.yuan(value) if kind is FactKind.MONEY else value


def _expect(sheet: Sheet, row: int, cells: Mapping[str, Any], examples: dict[str, dict[str, Any]]) -> None:
    """The first row of a case names its scheme and year; a row without a candidate is about the whole."""
    name = _needed(sheet, row, "example", cells)
    if name not in examples:
        scheme, year = _needed(sheet, row, "scheme", cells), _needed(sheet, row, "year", cells)
        examples[name] = {"name": name, "scheme": scheme, "year": year, "given": {}, "expect": {}}
    expect = examples[name]["expect"]
    candidate = cells.get("candidate")
    if candidate is None:
        expect.update(
            {column: cells[column] for column in ("total", "ties_at_cut", "refused") if column in cells}
        )
        return
    if "award" in cells:
        expect.setdefault("awards", {})[candidate] = cells["award"]
    if "status" in cells:
        expect.setdefault("statuses", {})[candidate] = _one_of(sheet, row, "status", cells, STATUSES)
    if "cap_bound" in cells:
        expect.setdefault("cap_bound", []).extend([candidate] if cells["cap_bound"] else [])


def _give(sheet: Sheet, row: int, cells: dict[str, Any], examples: Mapping[str, dict[str, Any]]) -> None:
    example = _one_of(sheet, row, "example", cells, {name: name for name in examples})
    unit = _one_of(sheet, row, "unit", cells, UNITS)
    _needed(sheet, row, "id", cells)
    rest = {name: value for name, value in cells.items() if name not in ("example", "unit")}
    examples[example]["given"].setdefault(f"{unit.value}s", []).append(rest)


def _needed(sheet: Sheet, row: int, column: str, cells: Mapping[str, Any]) -> Any:
    if column not in cells:
        raise sheet.wrong(row, column, ("必须填写", "it is needed"), ("请填写此格", "fill the cell"))
    return cells[column]


def _one_of(sheet: Sheet, row: int, column: str, cells: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    written = _needed(sheet, row, column, cells)
    if written not in known:
        raise sheet.wrong(
            row, column, (f"不认识“{written}”", f"'{written}' is not known"), nearest(written, known)
        )
    return known[written]
