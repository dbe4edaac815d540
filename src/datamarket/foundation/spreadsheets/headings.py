"""Which column a heading stands for, in which unit, and which rows are no data, by one declared list of words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datamarket.foundation.spreadsheets.figures import UNITS, plain

_BRACKETED = re.compile(r"(.+?)\((?:单位:)?([^()]+)\)|(.+)/(.+)")
_UNIT_ABOVE = re.compile(r".*单位[:(]\(?(?:人民币)?(" + "|".join(UNITS) + r")\)?")
_COUNTED = re.compile(r"\d*[家户个项条]?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Heading:
    """A cell of the heading row; `column` is empty when nothing of that name is read."""

    text: str = ""
    column: str = ""
    unit: int | None = None
    credit_code: bool = False


class OfficeWords:
    """The list as declared: `columns` by table, those of `facts` in every table."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self._declared = declared
        self._sheets = _by_word(declared["sheets"])
        self._columns = {
            table: _by_word({**columns, **declared["columns"]["facts"]})
            | {plain(word): "enterprise" for word in declared["credit_codes"]}
            for table, columns in declared["columns"].items()
        }
        self.identity = {"", *declared["identity"]}
        self.truths: Mapping[str, bool] = declared["truths"]
        self._totals = [plain(word) for word in declared["totals"]]
        self._totals_begin = {word[0] for word in self._totals}

    def sheet(self, title: str) -> str:
        """The table that a sheet or file of this title is; itself where none is declared."""
        return self._sheets.get(plain(title), title.strip().lower())

    def titles(self, name: str) -> str:
        """What a table may be called beside its own name."""
        return "、".join(self._declared["sheets"].get(name, ()))

    def words(self, table: str, column: str) -> list[str]:
        """What a column may be called, the plain name last."""
        columns = self._declared["columns"]
        return [*{**columns.get(table, {}), **columns["facts"]}.get(column, ()), column]

    def heading(self, table: str, text: str) -> Heading:
        """What a heading says; of a heading in several lines all that are known say the same."""
        whole = " ".join(text.split())
        told = [self._line(table, line) for line in (*text.split("\n"), text)]
        known = {heading.column for heading in told if heading.column}
        if len(known) != 1:
            return Heading(whole)
        units = {heading.unit for heading in told if heading.unit}
        unit = units.pop() if len(units) == 1 else None
        return Heading(whole, known.pop(), unit, any(heading.credit_code for heading in told))

    def _line(self, table: str, text: str) -> Heading:
        word, unit = plain(text).strip("*:"), None
        columns = self._columns.get(table, {})
        if word not in columns and (found := _BRACKETED.fullmatch(word)):
            name, hint = (found[1], found[2]) if found[1] else (found[3], found[4])
            if hint in UNITS or hint in self._declared["hints"]:
                word, unit = name.strip("*:"), UNITS.get(hint)
        return Heading(text, columns.get(word, ""), unit, word in map(plain, self._declared["credit_codes"]))

    def unit_above(self, texts: Sequence[str]) -> tuple[str, int] | None:
        """The unit that a title names for the whole table, 单位：万元, and the yuan in it."""
        found = [match[1] for text in texts if (match := _UNIT_ABOVE.fullmatch(plain(text)))]
        return (found[-1], UNITS[found[-1]]) if found else None

    def is_total(self, text: str) -> bool:
        """Whether a row that begins so sums up others: 合 计, 小计：, 总计（12家）, Total."""
        if plain(text[:1]) not in self._totals_begin:
            return False
        word = re.sub(r"\([^()]*\)|[:：]", "", plain(text))
        return any(
            word.startswith(total) and _COUNTED.fullmatch(word[len(total) :]) for total in self._totals
        )

    def is_footnote(self, text: str) -> bool:
        """Whether a cell alone in its row is a remark below the table: 注：…, 制表人：…"""
        begun = plain(text).partition(":")[0]
        return re.sub(r"\d+$", "", begun) in self._declared["footnotes"]


def _by_word(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {plain(word): name for name, words in columns.items() for word in (*words, name)}
