"""Facts from files: `enterprises` and `projects`, as CSV in a folder or as sheets of a workbook.

Amounts are exact to the fen, in yuan or in the unit that the heading, the title or the cell names (see
`figures`), and only net turnover may be negative; truths `true` or `false`, 是 or 否; instants ISO 8601 or a
day as offices write it (a day without a time begins at midnight in Qingdao); an empty cell is a fact that is
not known. Every column that the scheme needs must be there; columns of no known fact are not read, and said.
Under a heading that says credit code (统一社会信用代码) a code is held to its check digit, and may be the id.
A project takes `registered_in_city` and `suspended` from its enterprise's row when that row knows
them, and a project row that says otherwise is refused. A project of an enterprise that the enterprises
table does not list is refused; without that table the project's own columns count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from datamarket.foundation.clock import MARKET_ZONE, start_of_day
from datamarket.foundation.errors import MarketError
from datamarket.foundation.inputs.texts import Said
from datamarket.foundation.spreadsheets.figures import (
    EXACT_DIGITS,
    FigureFault,
    plain,
    read_fen,
    read_written_day,
)
from datamarket.foundation.spreadsheets.rows import WRITE_AS_TEXT, Cell, Unreadable
from datamarket.participants.rules import check_uscc
from datamarket.subsidy.facts.sheets import Note, Sheet, office_words, read_sheets
from datamarket.subsidy.scheme.clause import Clause, Tiebreak
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.vocabulary import ENTERPRISE_FACTS, FACTS, PREDICATES, FactKind
from datamarket.subsidy.terms import Candidate, FactValue, Snapshot, Unit, instant_text

SHEETS = {Unit.ENTERPRISE: "enterprises", Unit.PROJECT: "projects"}
_WHOLE = re.compile(r"\d{1,3}(,\d{3}){1,5}|\d{1,18}", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(\.\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FactsRead:
    """What the files hold, and which tables that the scheme needs are not there."""

    snapshot: Snapshot
    absent: tuple[Unit, ...]
    notes: tuple[Note, ...] = ()
    """What was passed over, hidden or calculated in them."""


def read_facts(path: Path, scheme: Scheme) -> FactsRead:
    """The snapshot that the files hold; of two files one may be absent. Raises FactsInvalid."""
    sheets = read_sheets(path, list(SHEETS.values()))
    read: dict[Unit, list[Candidate]] = {}
    for unit, name in SHEETS.items():
        if name in sheets:
            read[unit] = _candidates(sheets[name], unit, needed_facts(scheme, unit), read)
    used = {clause.unit for clause in scheme.clauses}
    absent = tuple(unit for unit in Unit if unit in used and unit not in read)
    notes = tuple(note for sheet in sheets.values() for note in sheet.notes)
    return FactsRead(Snapshot.of(row for rows in read.values() for row in rows), absent, notes)


def facts_named(clause: Clause) -> set[str]:
    """All facts that a clause looks at."""
    named = {clause.base} | {fact for name in clause.when for fact in PREDICATES[name].needs}
    if clause.select is not None:
        named.add(clause.select.by)
        if isinstance(clause.select.ties, Tiebreak):
            named |= {term.removeprefix("-") for term in clause.select.ties.tiebreak}
    return named


def needed_facts(scheme: Scheme, unit: Unit) -> set[str]:
    """The columns that a table of this unit must have, but for the id."""
    named = {fact for clause in scheme.clauses if clause.unit is unit for fact in facts_named(clause)}
    if named and scheme.budget is not None and scheme.budget.when_exceeded == "first_come":
        named.add("submitted_at")
    if unit is Unit.PROJECT:
        return {"enterprise", *named.difference(ENTERPRISE_FACTS)}
    return named


def _candidates(
    sheet: Sheet, unit: Unit, needed: set[str], read: Mapping[Unit, list[Candidate]]
) -> list[Candidate]:
    sheet = _identified(sheet, unit)
    check_columns(sheet, {"id", *needed})
    firms = read.get(Unit.ENTERPRISE) if unit is Unit.PROJECT else None
    known = None if firms is None else {firm.enterprise: firm for firm in firms}
    candidates: list[Candidate] = []
    taken: dict[tuple[str, str], int] = {}
    for row, cells in sheet.rows:
        cell_of = dict(zip(sheet.columns, cells, strict=True))
        candidate = _candidate(sheet, unit, row, cell_of, known)
        for column, value in (("id", candidate.id), ("enterprise", candidate.enterprise)):
            if column == "enterprise" and unit is Unit.PROJECT:
                continue
            first = taken.setdefault((column, value), row)
            if first != row:
                zh, en = f"“{value}”与第 {first} 行重复", f"'{value}' stands in row {first} already"
                raise sheet.wrong(
                    row, column, (zh, en), ("请合并或删去其中一行", "join the rows, or delete one")
                )
        candidates.append(candidate)
    return candidates


def check_columns(sheet: Sheet, needed: set[str]) -> None:
    """Raises FactsInvalid for the first column that is not there, and names the heading that comes nearest."""
    unread = [heading.text for heading in sheet.headings if heading.text and not heading.column]
    for column in sorted(needed - set(sheet.columns), key=lambda column: (column != "id", column)):
        words = office_words().words(sheet.name, column)
        near = next((found for word in words for found in get_close_matches(word, unread, 1)), None)
        mend_zh, mend_en = (
            f"请增加此列，表头写作 {'、'.join(words)} 之一",
            f"add it under one of these headings: {', '.join(words)}",
        )
        if near:
            mend_zh += f"；最接近的是“{near}”，含义相同时请改名"
            mend_en += f"; '{near}' comes nearest: rename it if it means the same"
        raise sheet.wrong(
            sheet.heading_row, column, ("缺少此列", "the column is missing"), (mend_zh, mend_en)
        )


def _identified(sheet: Sheet, unit: Unit) -> Sheet:
    """Enterprises without a column of ids are known by their credit codes."""
    if unit is Unit.PROJECT or "id" in sheet.columns:
        return sheet
    headings = (replace(one, column="id") if one.credit_code else one for one in sheet.headings)
    return replace(sheet, headings=tuple(headings))


def _candidate(
    sheet: Sheet, unit: Unit, row: int, cells: Mapping[str, Cell], known: Mapping[str, Candidate] | None
) -> Candidate:
    own_id = read_text(sheet, row, "id", cells["id"])
    enterprise = read_text(
        sheet, row, "enterprise", cells.get("enterprise") or (own_id if unit is Unit.ENTERPRISE else None)
    )
    facts = {
        column: fact_in(sheet, row, column, cell)
        for column, cell in cells.items()
        if cell is not None and column in FACTS and unit in FACTS[column].units
    }
    owner = known.get(enterprise) if known is not None else None
    if known is not None and owner is None:
        zh, en = f"enterprises 表中没有企业“{enterprise}”", f"the enterprises table has no '{enterprise}'"
        raise sheet.wrong(
            row,
            "enterprise",
            (zh, en),
            ("请在该表补上此企业，或更正代码", "add it there, or correct the code"),
        )
    for name in ENTERPRISE_FACTS if owner is not None else ():
        inherited = owner.facts.get(name) if owner else None
        if inherited is not None and facts.setdefault(name, inherited) != inherited:
            problem = (f"与企业“{enterprise}”的记录不一致", f"not what '{enterprise}' itself says")
            raise sheet.wrong(
                row, name, problem, ("请只在企业表中填写", "state it in the enterprises table only")
            )
    cell = cells.get("name")
    name = read_text(sheet, row, "name", cell) if cell is not None else (owner.name if owner else "")
    return Candidate(unit, own_id, enterprise, name, facts)


def read_text(sheet: Sheet, row: int, column: str, cell: Cell) -> str:
    """A cell as a code or a name. Raises FactsInvalid."""
    if isinstance(cell, Unreadable):
        raise sheet.wrong(row, column, cell.problem, cell.mend)
    if isinstance(cell, int) and not isinstance(cell, bool) and len(str(abs(cell))) <= EXACT_DIGITS:
        cell = str(cell)
    if not isinstance(cell, str) or not cell.isprintable():
        raise sheet.wrong(row, column, ("必须填写文字", "text is needed"), WRITE_AS_TEXT)
    if _SCIENTIFIC.fullmatch(cell):
        raise sheet.wrong(
            row,
            column,
            (f"“{cell}”是科学计数法，原代码已失去", f"'{cell}' is what is left of a code"),
            WRITE_AS_TEXT,
        )
    if column in sheet.columns and sheet.heading(column).credit_code:
        try:
            check_uscc(cell := plain(cell).upper())
        except MarketError as error:
            problem = (error.sentence("zh").removesuffix("。"), error.sentence("en").removesuffix("."))
            raise sheet.wrong(row, column, problem, WRITE_AS_TEXT) from None
    return cell


def fact_in(sheet: Sheet, row: int, column: str, cell: Cell) -> FactValue:
    """A cell as the fact of its column. Raises FactsInvalid."""
    if isinstance(cell, Unreadable):
        raise sheet.wrong(row, column, cell.problem, cell.mend)
    try:
        value = read_value(FACTS[column].kind, cell, sheet, column)
    except FigureFault as error:
        raise sheet.wrong(row, column, (error.zh, error.en), error.mend) from None
    if value is None:
        problem, mend = WANTED[FACTS[column].kind]
        raise sheet.wrong(row, column, (f"“{cell}”{problem[0]}", f"'{cell}' is {problem[1]}"), mend)
    if (
        FACTS[column].kind is FactKind.MONEY
        and isinstance(value, int)
        and value < 0
        and not FACTS[column].signed
    ):
        problem = (f"“{cell}”无效，金额不得为负", f"'{cell}' is negative")
        raise sheet.wrong(
            row, column, problem, ("请核对后填写正数", "check it and write it without the sign")
        )
    return value


def read_value(kind: FactKind, cell: Cell, sheet: Sheet, column: str) -> FactValue | None:
    """A cell as a fact of that kind; None when it is none. Raises FigureFault for an amount that is none."""
    if kind is FactKind.TRUTH:
        return cell if isinstance(cell, bool) else office_words().truths.get(plain(str(cell)))
    if isinstance(cell, bool) or cell is None or isinstance(cell, Unreadable):
        cell = str(cell).lower()
    if kind is FactKind.MONEY:
        return read_fen(cell, sheet.heading(column).unit)
    if kind is FactKind.COUNT:
        found = _WHOLE.fullmatch(plain(str(cell)))
        return int(found[0].replace(",", "")) if found else None
    return None if isinstance(cell, Decimal) else _instant(cell, sheet.day_zero)


def _instant(cell: str | int, day_zero: date) -> str | None:
    """In UTC with microseconds, so that the texts sort as the instants do."""
    try:
        if day := read_written_day(cell, day_zero):
            return instant_text(start_of_day(day))
        instant = (
            datetime.fromisoformat(str(cell))
            if isinstance(cell, str) and len(cell) > len("2024-01-01")
            else None
        )
        if instant is None:
            return None
        return instant_text(instant if instant.tzinfo else instant.replace(tzinfo=MARKET_ZONE))
    except (ValueError, OverflowError):
        return None


WANTED: Mapping[FactKind, tuple[Said, Said]] = {
    FactKind.MONEY: (
        ("不是金额", "no amount"),
        ('请写成加引号的元，例如 "1234.50"', 'write yuan as quoted text, such as "1234.50"'),
    ),
    FactKind.COUNT: (
        ("不是非负整数", "no whole number, or negative"),
        ("请填写整数，例如 12", "write a whole number such as 12"),
    ),
    FactKind.INSTANT: (
        ("不是日期或时间", "no day or instant"),
        ("请写作 2025-03-01 或 2025年3月1日", "write 2025-03-01, or an ISO 8601 instant"),
    ),
    FactKind.TRUTH: (
        ("不是 true 或 false", "not true or false"),
        ("请填写 是 或 否（true 或 false）", "write true or false"),
    ),
}
"""What to say of a cell or value that is not of its kind, and its mend."""
