"""Workbooks to fill in: facts of a year, and the officers' own test cases with those that ship."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl.worksheet.datavalidation import DataValidation

from datamarket.foundation.spreadsheets import workbooks
from datamarket.foundation.spreadsheets.rows import letters
from datamarket.subsidy.facts.files import needed_facts
from datamarket.subsidy.facts.sheets import office_words
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.vocabulary import ENTERPRISE_FACTS, FACTS, FactKind
from datamarket.subsidy.studies.example_sheets import EXPECT, GIVEN, KINDS, STATUSES
from datamarket.subsidy.studies.examples import Example
from datamarket.subsidy.terms import Unit

CHECKED_ROWS = 2_000
"""Rows below the headings whose cells are offered a list."""
_NOTES = (
    (
        "带 * 的列必须有；空格表示不知道，该行暂缓核定",
        "a column with * is needed; an empty cell is not known, and holds its line",
    ),
    (
        "金额以元为单位；用万元时把表头改为“…（万元）”",
        "amounts are in yuan; name another unit in the heading",
    ),
    (
        "是或否也可写 true 或 false；日期写 2025-03-01 或 2025年3月1日",
        "a truth is 是 or 否, a day 2025-03-01",
    ),
    ("统一社会信用代码以文本录入，校验位不符即拒绝", "a credit code is text; its check digit is checked"),
    (
        "合计行不作为记录；其他说明写在本表",
        "a row that sums up is no record; other notes belong on this sheet",
    ),
)
_CASE_NOTES = (
    ("期望：每个算例的首行写方案和年度；有对象编号的行写金额、状态、触及上限，没有的行写合计、并列、拒绝代码", "expect: the first row of a case names scheme and year; a row with a candidate its award, status and cap, one without the total, ties or code of refusal"),
    ("给定：未写的条件按普通申报者；未知写“未知”；重复 3 即 编号-1 至 编号-3，逐个增减加在金额上", "given: a condition left empty is as for an ordinary applicant; 未知 is not known; repeat makes id-1 to id-3, step is added to the amounts"),
)  # fmt: skip
_LISTS = {
    "unit": ["企业", "项目"],
    "status": [status for status in STATUSES if status.isascii() and " " not in status],
}


def facts_template(scheme: Scheme) -> bytes:
    """Enterprises and projects with the columns that the scheme needs marked, and notes."""
    book = workbooks.new_book()
    for unit, table, own in (
        (Unit.ENTERPRISE, "enterprises", ("enterprise", "name")),
        (Unit.PROJECT, "projects", ("id", "enterprise", "name")),
    ):
        inherited = ENTERPRISE_FACTS if unit is Unit.PROJECT else ()
        facts = [name for name, fact in FACTS.items() if unit in fact.units and name not in inherited]
        needed = {"id", "enterprise", *needed_facts(scheme, unit)}
        _table(book, table, [*own, *facts], needed, ())
    _notes(book, _NOTES)
    return workbooks.packed(book)


def examples_template(examples: Iterable[Example]) -> bytes:
    """The test cases as two sheets, to go on with."""
    made = list(examples)
    book = workbooks.new_book()
    expect = [
        "example",
        "scheme",
        "year",
        "candidate",
        "award",
        "status",
        "cap_bound",
        "total",
        "ties_at_cut",
        "refused",
    ]
    given = ["example", "unit", "id", "enterprise", "repeat", "step", *FACTS]
    _table(
        book, EXPECT, expect, {"example", "scheme", "year"}, (row for one in made for row in _expected(one))
    )
    _table(book, GIVEN, given, {"example", "unit", "id"}, (row for one in made for row in _given(one)))
    _notes(book, _CASE_NOTES)
    return workbooks.packed(book)


def _expected(example: Example) -> Iterable[Mapping[str, Any]]:
    expect: dict[str, Any] = example.expect.model_dump(mode="json", exclude_none=True)
    whole: dict[str, Any] = {
        column: expect[column] for column in ("total", "ties_at_cut", "refused") if column in expect
    }
    yield {"example": example.name, "scheme": example.scheme, "year": example.year, **whole}
    awards, statuses, bound = expect.get("awards", {}), expect.get("statuses", {}), expect.get("cap_bound")
    for candidate in dict.fromkeys((*awards, *statuses, *(bound or ()))):
        told = {"award": awards.get(candidate), "status": statuses.get(candidate)}
        touched = None if bound is None else candidate in bound
        yield {"example": example.name, "candidate": candidate, **told, "cap_bound": touched}


def _given(example: Example) -> Iterable[Mapping[str, Any]]:
    for unit, rows in (("企业", example.given.enterprises), ("项目", example.given.projects)):
        for row in rows:
            stated = {
                name: "未知" if value is None else value for name, value in (row.model_extra or {}).items()
            }
            own = {"id": row.id, "enterprise": row.enterprise, "repeat": row.repeat, "step": row.step}
            yield {"example": example.name, "unit": unit, **own, **stated}


def _table(
    book: Any, table: str, columns: Sequence[str], needed: set[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    words = office_words()
    headings = []
    for column in columns:
        known = (
            "统一社会信用代码"
            if column == "enterprise" and table in ("enterprises", "projects")
            else words.words(table, column)[0]
        )
        unit = "（元）" if _kind(column) is FactKind.MONEY else ""
        headings.append((f"{'*' if column in needed else ''}{known}{unit}\n{column}",))
    shown = {True: "是", False: "否"}
    told = (
        [shown.get(value, value) if isinstance(value, bool) else value for value in map(row.get, columns)]
        for row in rows
    )
    title = words.titles(table).partition("、")[0]
    sheet = workbooks.add_sheet(book, title, [24] * len(columns), (headings, told))
    for place, column in enumerate(columns, start=1):
        listed = ["是", "否"] if _kind(column) is FactKind.TRUTH else _LISTS.get(column)
        if listed:
            check = DataValidation(
                "list", formula1=f'"{",".join(listed)}"', allow_blank=True, showErrorMessage=True
            )
            check.add(f"{letters(place)}2:{letters(place)}{CHECKED_ROWS}")
            sheet.data_validations.append(check)


def _kind(column: str) -> FactKind | None:
    return FACTS[column].kind if column in FACTS else KINDS.get(column)


def _notes(book: Any, notes: Sequence[tuple[str, str]]) -> None:
    workbooks.add_sheet(book, "说明", (90, 90), ((("说明", "notes"), ("", "")), notes))
