"""Facts from files: `enterprises` and `projects`, as CSV in a folder or as sheets of a workbook.

Amounts are yuan text with at most two decimals (in a workbook also numbers with at most two decimals,
see `sheets`), and only net turnover may be negative; truths `true` or `false`, instants ISO 8601 (a day
without a time begins at midnight in Qingdao); an empty cell is a fact that is not known. Every
column that the scheme needs must be there; columns of no known fact are not read.
A project takes `registered_in_city` and `suspended` from its enterprise's row when that row knows
them, and a project row that says otherwise is refused. A project of an enterprise that the enterprises
table does not list is refused; without that table the project's own columns count.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from datamarket.foundation import money
from datamarket.foundation.clock import MARKET_ZONE, start_of_day
from datamarket.subsidy.facts.sheets import Cell, Sheet, Unreadable, read_sheets
from datamarket.subsidy.scheme.clause import Clause, Tiebreak
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.vocabulary import ENTERPRISE_FACTS, FACTS, PREDICATES, FactKind
from datamarket.subsidy.terms import Candidate, FactValue, Snapshot, Unit, instant_text

SHEETS = {Unit.ENTERPRISE: "enterprises", Unit.PROJECT: "projects"}
EXACT_DIGITS = 15  # a spreadsheet keeps no more of a number
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FactsRead:
    """What the files hold, and which tables that the scheme needs are not there."""

    snapshot: Snapshot
    absent: tuple[Unit, ...]


def read_facts(path: Path, scheme: Scheme) -> FactsRead:
    """The snapshot that the files hold; of two files one may be absent. Raises FactsInvalid."""
    sheets = read_sheets(path, list(SHEETS.values()))
    read: dict[Unit, list[Candidate]] = {}
    for unit, name in SHEETS.items():
        if name in sheets:
            read[unit] = _candidates(sheets[name], unit, _needed(scheme, unit), read)
    used = {clause.unit for clause in scheme.clauses}
    absent = tuple(unit for unit in Unit if unit in used and unit not in read)
    return FactsRead(Snapshot.of(row for rows in read.values() for row in rows), absent)


def facts_named(clause: Clause) -> set[str]:
    """All facts that a clause looks at."""
    named = {clause.base} | {fact for name in clause.when for fact in PREDICATES[name].needs}
    if clause.select is not None:
        named.add(clause.select.by)
        if isinstance(clause.select.ties, Tiebreak):
            named |= {term.removeprefix("-") for term in clause.select.ties.tiebreak}
    return named


def _needed(scheme: Scheme, unit: Unit) -> set[str]:
    named = {fact for clause in scheme.clauses if clause.unit is unit for fact in facts_named(clause)}
    if named and scheme.budget is not None and scheme.budget.when_exceeded == "first_come":
        named.add("submitted_at")
    if unit is Unit.PROJECT:
        return {"enterprise", *named.difference(ENTERPRISE_FACTS)}
    return named


def _candidates(
    sheet: Sheet, unit: Unit, needed: set[str], read: Mapping[Unit, list[Candidate]]
) -> list[Candidate]:
    for column in ("id", *sorted(needed)):
        if column not in sheet.columns:
            raise sheet.wrong(1, column, "缺少此列", "the column is missing")
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
                raise sheet.wrong(row, column, zh, en)
        candidates.append(candidate)
    return candidates


def _candidate(
    sheet: Sheet, unit: Unit, row: int, cells: Mapping[str, Cell], known: Mapping[str, Candidate] | None
) -> Candidate:
    own_id = _text(sheet, row, "id", cells["id"])
    enterprise = _text(
        sheet, row, "enterprise", cells.get("enterprise") or (own_id if unit is Unit.ENTERPRISE else None)
    )
    facts = {
        column: _value(sheet, row, column, cell)
        for column, cell in cells.items()
        if cell is not None and column in FACTS and unit in FACTS[column].units
    }
    owner = known.get(enterprise) if known is not None else None
    if known is not None and owner is None:
        zh, en = f"enterprises 表中没有企业“{enterprise}”", f"the enterprises table has no '{enterprise}'"
        raise sheet.wrong(row, "enterprise", zh, en)
    for name in ENTERPRISE_FACTS if owner is not None else ():
        inherited = owner.facts.get(name) if owner else None
        if inherited is not None and facts.setdefault(name, inherited) != inherited:
            raise sheet.wrong(
                row, name, f"与企业“{enterprise}”的记录不一致", f"not what '{enterprise}' itself says"
            )
    cell = cells.get("name")
    name = _text(sheet, row, "name", cell) if cell is not None else (owner.name if owner else "")
    return Candidate(unit, own_id, enterprise, name, facts)


def _text(sheet: Sheet, row: int, column: str, cell: Cell) -> str:
    if isinstance(cell, Unreadable):
        raise sheet.wrong(row, column, cell.zh, cell.en)
    if isinstance(cell, int) and not isinstance(cell, bool) and len(str(abs(cell))) <= EXACT_DIGITS:
        return str(cell)
    if isinstance(cell, str) and cell.isprintable():
        return cell
    raise sheet.wrong(row, column, "必须填写文字", "text is needed")


def _value(sheet: Sheet, row: int, column: str, cell: Cell) -> FactValue:
    kind = FACTS[column].kind
    if isinstance(cell, Unreadable):
        raise sheet.wrong(row, column, cell.zh, cell.en)
    read, wanted_zh, wanted_en = _READERS[kind]
    value = read(cell)
    if kind is FactKind.MONEY and isinstance(value, int) and value < 0 and not FACTS[column].signed:
        raise sheet.wrong(row, column, f"“{cell}”无效，金额不得为负", f"'{cell}' is negative")
    if value is None:
        raise sheet.wrong(row, column, f"“{cell}”无效，{wanted_zh}", f"'{cell}' is not {wanted_en}")
    return value


def _money(cell: Cell) -> int | None:
    if isinstance(cell, bool) or not isinstance(cell, int | str | Decimal):
        return None
    try:
        return money.parse_yuan(f"{cell:.2f}" if isinstance(cell, Decimal) else str(cell))
    except ValueError:
        return None


def _count(cell: Cell) -> int | None:
    if isinstance(cell, bool) or not isinstance(cell, int | str) or not _WHOLE.fullmatch(str(cell)):
        return None
    return int(cell)


def _truth(cell: Cell) -> bool | None:
    if isinstance(cell, bool):
        return cell
    return {"true": True, "false": False}.get(cell.lower()) if isinstance(cell, str) else None


def _instant(cell: Cell) -> str | None:
    """In UTC with microseconds, so that the texts sort as the instants do."""
    if not isinstance(cell, str):
        return None
    try:
        if len(cell) == len("2024-01-01"):
            instant = start_of_day(date.fromisoformat(cell))
        else:
            instant = datetime.fromisoformat(cell)
            instant = instant if instant.tzinfo else instant.replace(tzinfo=MARKET_ZONE)
        return instant_text(instant)
    except (ValueError, OverflowError):
        return None


_READERS: Mapping[FactKind, tuple[Callable[[Cell], FactValue | None], str, str]] = {
    FactKind.MONEY: (
        _money,
        "金额应为最多两位小数的元，不带千分位",
        "yuan with at most two decimals, ungrouped",
    ),
    FactKind.COUNT: (_count, "应为非负整数", "a whole number, not negative"),
    FactKind.INSTANT: (_instant, "应为 ISO 8601 时间", "an ISO 8601 instant"),
    FactKind.TRUTH: (_truth, "应为 true 或 false", "true or false"),
}
