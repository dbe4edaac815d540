"""Tables of facts as offices write them: by declared headings, without sums and remarks; mistakes name place and mend.

Sheets and files are found by name in either case, or by a word of `headings.yaml`; one of another name is
refused, lest a misspelt table be missed. Titles above the headings, sums and remarks below are no data, and
like what is hidden or calculated they are said in the sheet's notes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

from datamarket.foundation.documents.plain_yaml import read_plain_yaml
from datamarket.foundation.documents.reading import read_at_most
from datamarket.foundation.errors import Invalid
from datamarket.foundation.inputs.texts import Said
from datamarket.foundation.spreadsheets import bounds
from datamarket.foundation.spreadsheets.headings import Heading, OfficeWords
from datamarket.foundation.spreadsheets.rows import (
    MAKE_SMALLER,
    SAVE_AS_UTF8,
    SAVE_AS_XLSX,
    Cell,
    RawTable,
    TableFault,
    letters,
    listed,
    read_csv_table,
    read_workbook_tables,
)

HEADING_WITHIN = 10
"""Rows with something in them among which the headings are looked for: titles stand above."""
NOTES = "notes"
"""A sheet of this name is for people."""
Note = dict[str, str]


class FactsInvalid(Invalid):
    code = "subsidy.facts-invalid"
    zh = "{file} 第 {row} 行“{column}”列{cell}有误：{problem_zh}；{mend_zh}。"
    en = "{file}, row {row}, column '{column}'{cell}: {problem_en}; {mend_en}."


@dataclass(frozen=True, slots=True)
class Sheet:
    """Its headings and its rows, numbered as a person counts them, and what was passed over or hidden."""

    file: str
    name: str
    headings: tuple[Heading, ...]
    heading_row: int
    day_zero: date
    rows: tuple[tuple[int, tuple[Cell, ...]], ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands in each column; empty where nothing of that name is read."""
        return tuple(heading.column for heading in self.headings)

    def heading(self, column: str) -> Heading:
        """That of a column which is there."""
        return self.headings[self.columns.index(column)]

    def wrong(self, row: int, column: str, problem: Said, mend: Said) -> FactsInvalid:
        """The error to raise for one cell."""
        cell = ""
        if column in self.columns:
            place = self.columns.index(column)
            column, cell = self.headings[place].text, f" [{letters(place + 1)}{row}]"
        return _unusable(self.file, problem, mend, row, column=column, cell=cell)


@cache
def office_words() -> OfficeWords:
    """The declared list, as shipped."""
    declared = resources.files("datamarket.subsidy.facts") / "headings.yaml"
    return OfficeWords(read_plain_yaml(declared.read_bytes()).value)


def read_sheets(path: Path, names: Sequence[str]) -> dict[str, Sheet]:
    """Those of the named sheets that a folder of CSV files or a workbook has. Raises FactsInvalid and OSError."""
    if path.is_dir():
        files = {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() == ".csv"}
        chosen = _named(path.name, list(files), names)
        found = {name: (files[title].name, _read(files[title])[0]) for name, title in chosen.items()}
    elif path.is_file():
        tables = {table.title: table for table in _read(path)}
        chosen = _named(path.name, list(tables), names)
        found = {name: (f"{path.name}:{title}", tables[title]) for name, title in chosen.items()}
    else:
        problem = ("不是文件夹，也不是 .xlsx 工作簿", "neither a folder nor an .xlsx workbook")
        raise _unusable(path.name, problem, ("请检查路径", "check the path"))
    if not found:
        wanted = ", ".join(names)
        problem = (f"没有 {wanted} 中的任何一个", f"it has none of {wanted}")
        raise _unusable(path.name, problem, _name_them(names))
    return {name: _Reading(file, name, table).sheet() for name, (file, table) in found.items()}


def note(code: str, said: Said) -> Note:
    """What must be known beside the figures, as documents hold it."""
    return {"code": code, "zh": said[0], "en": said[1]}


def _read(path: Path) -> list[RawTable]:
    try:
        content = read_at_most(path, bounds.MOST_BYTES)
        if path.suffix.lower() == ".csv":
            return [read_csv_table(path.stem, content)]
        if path.suffix.lower() == ".xlsx":
            return read_workbook_tables(bounds.check_bytes(content))
    except bounds.BeyondBounds as error:
        raise _unusable(path.name, (error.zh, error.en), MAKE_SMALLER) from None
    except TableFault as error:
        raise _unusable(path.name, (error.zh, error.en), error.mend, error.row) from error
    raise _unusable(path.name, ("不是 .xlsx 工作簿", "no .xlsx workbook"), SAVE_AS_XLSX)


def _named(file: str, titles: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which title stands for which name, in either case. Raises FactsInvalid for a title that stands for none."""
    found: dict[str, str] = {}
    wanted = ", ".join(names)
    for title in titles:
        name = office_words().sheet(title)
        if name == NOTES:
            continue
        if name not in names:
            zh, en = f"不认识表“{title}”，应为 {wanted}", f"'{title}' is no known table; expected: {wanted}"
            raise _unusable(file, (zh, en), _name_them(names))
        if name in found:
            zh = f"表“{found[name]}”与“{title}”重名"
            en = f"'{found[name]}' and '{title}' are the same table"
            raise _unusable(file, (zh, en), ("请只保留一个", "keep one of them"))
        found[name] = title
    return found


def _name_them(names: Sequence[str]) -> Said:
    zh = "、".join(f"{name}（{office_words().titles(name)}）" for name in names)
    return (
        f"请把表命名为 {zh}，说明文字放入“说明”表",
        f"name a table one of {', '.join(names)}, and a sheet for people 'notes'",
    )


def _unusable(
    file: str, problem: Said, mend: Said, row: int = 1, *, column: str = "-", cell: str = ""
) -> FactsInvalid:
    return FactsInvalid(
        file=file, row=row, column=column, cell=cell,
        problem_zh=problem[0], problem_en=problem[1], mend_zh=mend[0], mend_en=mend[1],
    )  # fmt: skip


class _Reading:
    """A table on its way to a sheet: which row heads it, and which rows below are data."""

    def __init__(self, file: str, name: str, table: RawTable) -> None:
        self.file, self.name, self.table = file, name, table
        self.rows = {row: cells for row, cells in table.rows if any(cell is not None for cell in cells)}
        self.said = list(table.said)
        self.spread = dict(self._spread())

    def _spread(self) -> Iterator[tuple[tuple[int, int], bounds.Area]]:
        """What merged cells say stands in each of them, and is noted with the area that it came from."""
        most = bounds.MOST_ELEMENTS
        for area in self.table.merged:
            top, left, bottom, right = area
            most -= (bottom - top + 1) * (right - left + 1)
            if most < 0:
                raise _unusable(self.file, ("合并单元格过多", "too many merged cells"), MAKE_SMALLER)
            value = self.rows.get(top, [])[left - 1 : left]
            for row in range(top, bottom + 1):
                cells = self.rows.get(row, [])
                for place in range(left, min(right, len(cells)) + 1):
                    cells[place - 1] = value[0] if value else None
                    yield (row, place), area

    def sheet(self) -> Sheet:
        """Raises FactsInvalid."""
        if not self.rows:
            raise _unusable(
                self.file, ("没有表头", "there is no header"), ("请从模板开始填写", "begin with the template")
            )
        first = list(self.rows)[:HEADING_WITHIN]
        row = max(first, key=lambda row: (sum(bool(one.column) for one in self._headings(row)), -row))
        above = [before for before in first if before < row]
        if above:
            self._say("title", f"第 {listed(above)} 行是标题", f"rows {listed(above)} are titles")
        headings = self._with_units(self._headings(row), above)
        sheet = Sheet(self.file, self.name, headings, row, self.table.day_zero)
        self._check_headings(sheet)
        body = [(below, tuple(cells)) for below, cells in self._body(sheet)]
        self._say_unread(sheet, body)
        notes = tuple(
            note(code, (f"{self.file}：{zh}", f"{self.file}: {en}")) for code, (zh, en) in self.said
        )
        return replace(sheet, rows=tuple(body), notes=notes)

    def _say(self, code: str, zh: str, en: str) -> None:
        self.said.append((code, (zh, en)))

    def _headings(self, row: int) -> tuple[Heading, ...]:
        texts = [cell if isinstance(cell, str) else "" for cell in self.rows[row]]
        return tuple(office_words().heading(self.name, text) for text in texts)

    def _with_units(self, headings: tuple[Heading, ...], above: Sequence[int]) -> tuple[Heading, ...]:
        texts = [cell for row in above for cell in self.rows[row] if isinstance(cell, str)]
        found = office_words().unit_above(texts)
        if found is None:
            return headings
        word, unit = found
        self._say(
            "unit", f"表头未注明单位的金额按标题所写，以{word}计", f"amounts are in {word}, as the title says"
        )
        return tuple(replace(one, unit=one.unit or unit) for one in headings)

    def _check_headings(self, sheet: Sheet) -> None:
        known = [one.column or one.text for one in sheet.headings]
        for index, name in enumerate(known):
            if name and name in known[:index]:
                problem = ("列名重复", "the column stands twice")
                raise sheet.wrong(sheet.heading_row, name, problem, ("请只保留一列", "keep one of them"))
        only = self.rows[sheet.heading_row]
        if len(only) == 1 and any(mark in str(only[0]) for mark in "\t;；，|"):
            problem = ("列之间不是半角逗号", "its columns are not parted by commas")
            raise sheet.wrong(sheet.heading_row, "-", problem, SAVE_AS_UTF8)

    def _body(self, sheet: Sheet) -> Iterator[tuple[int, list[Cell]]]:
        words, width = office_words(), len(sheet.headings)
        repeated = [cell or "" for cell in self.rows[sheet.heading_row]][:width]
        labels = [place for place, one in enumerate(sheet.headings) if one.column in words.identity]
        for row, cells in self.rows.items():
            if row <= sheet.heading_row:
                continue
            texts = [cell for place in labels for cell in cells[place : place + 1] if isinstance(cell, str)]
            filled = {cell for cell in cells if cell is not None}
            if total := next(filter(words.is_total, texts), None):
                self._say(
                    "total",
                    f"第 {row} 行“{total}”是合计行，不作为记录",
                    f"row {row}, '{total}', sums up others and is no record",
                )
            elif len(filled) == 1 and texts and words.is_footnote(texts[0]):
                self._say(
                    "footnote", f"第 {row} 行是备注，不作为记录", f"row {row} is a remark and no record"
                )
            elif any(sheet.columns) and [cell or "" for cell in cells[:width]] == repeated:
                self._say(
                    "heading",
                    f"第 {row} 行重复表头，不作为记录",
                    f"row {row} repeats the headings and is no record",
                )
            else:
                self._check_row(sheet, row, cells)
                yield row, (cells + [None] * width)[:width]

    def _check_row(self, sheet: Sheet, row: int, cells: list[Cell]) -> None:
        width = len(sheet.headings)
        if any(cell is not None for cell in cells[width:]) or (len(cells) < width and not self.table.ragged):
            zh = f"应有 {width} 个单元格，实有 {len(cells)} 个"
            en = f"{width} cells are due, {len(cells)} are there"
            raise sheet.wrong(
                row, "-", (zh, en), ("请与表头逐列对齐", "give each column of the header one cell")
            )
        for place, column in enumerate(sheet.columns if self.spread else (), start=1):
            top, left, bottom, right = self.spread.get((row, place), (row, place, row, place))
            if right > left or (bottom > top and column not in office_words().identity):
                problem = (
                    "数据落在合并单元格里，不知道属于哪一格",
                    "a merged cell: which one its value belongs to is not known",
                )
                raise sheet.wrong(
                    row,
                    column or letters(place),
                    problem,
                    ("请取消合并，逐格填写", "split it and fill each cell"),
                )

    def _say_unread(self, sheet: Sheet, body: Sequence[tuple[int, tuple[Cell, ...]]]) -> None:
        unread = [
            one.text or letters(place + 1)
            for place, one in enumerate(sheet.headings)
            if not one.column and any(cells[place] is not None for _, cells in body)
        ]
        if unread:
            told = listed(f"“{name}”" for name in unread)
            self._say("unread", f"没有读取的列：{told}", f"columns that were not read: {told}")
