"""Policy values by day: each holds from its first day until the next of its name, and names its source.

A file of them is plain YAML: `format: dated-values/1`, then under each name a list, oldest first, of
`{from: DAY, value: …, source: …}`. A last value with `to: DAY` ends before that day; between two values
`to` may stand, and is then the next one's first day: spans are half-open, without gap or overlap.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Generic, NoReturn, TypeVar

from datamarket.foundation.documents.plain_yaml import Document, NotPlainYaml, read_plain_yaml

FORMAT = "dated-values/1"
ValueT = TypeVar("ValueT")
_NEEDED = {"from", "value", "source"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class DatedFileFaulty(ValueError):
    """A file that ships with the product is not what it must be; `line` counts from one."""

    def __init__(self, file: str, line: int, fault: str) -> None:
        super().__init__(f"{file}, line {line}: {fault}")


@dataclass(frozen=True)
class DatedValue(Generic[ValueT]):
    """What holds from `begins` until before `ends`, or until something else is said, and who says so."""

    begins: date
    ends: date | None
    value: ValueT
    source: str


def read_day(text: object) -> date:
    """'2024-01-01' and nothing else. Raises ValueError."""
    if isinstance(text, str) and _DAY.fullmatch(text):
        return date.fromisoformat(text)
    message = f"not a date: {text}; write 2024-01-01"
    raise ValueError(message)


def read_days(value: Any) -> timedelta:
    """So many days. Raises ValueError for what is no whole number above zero."""
    if type(value) is not int or value < 1:
        message = f"not a whole number above zero: {value}"
        raise ValueError(message)
    return timedelta(days=value)


def last_begun(days: Iterable[date], on: date) -> date | None:
    """The last of the days that has come: what began then holds on the day asked for."""
    return max((day for day in days if day <= on), default=None)


def value_on(stated: Sequence[DatedValue[ValueT]], on: date) -> ValueT | None:
    """The value in force; None before the first and after the last has ended."""
    begun = last_begun((one.begins for one in stated), on)
    found = next((one for one in stated if one.begins == begun), None)
    return None if found is None or (found.ends is not None and found.ends <= on) else found.value


def read_dated(
    file: str, content: bytes, readers: Mapping[str, Callable[[Any], ValueT]]
) -> dict[str, tuple[DatedValue[ValueT], ...]]:
    """Every value of a file by its name, oldest first; each name has the reader of its values.

    Raises DatedFileFaulty, with the line, for a name that nobody reads or that is missing, and for a
    value that is undated, without source, out of turn, or that its reader refuses with a ValueError.
    """
    try:
        document = read_plain_yaml(content)
    except NotPlainYaml as error:
        raise DatedFileFaulty(file, error.line, error.en) from None
    return _DatedFile(file, document).read(readers)


class _DatedFile:
    """A file being read: every refusal names its line."""

    def __init__(self, name: str, document: Document) -> None:
        self.name = name
        self.document = document

    def read(
        self, readers: Mapping[str, Callable[[Any], ValueT]]
    ) -> dict[str, tuple[DatedValue[ValueT], ...]]:
        entries = self.document.value
        if not isinstance(entries, dict) or entries.get("format") != FORMAT:
            self._refuse((), f"the file must begin with `format: {FORMAT}`")
        for name in (*entries, *readers):
            if name != "format" and (name not in readers or name not in entries):
                self._refuse((name,), f"'{name}' is {'missing' if name in readers else 'not known'}")
        return {name: self._values(name, entries[name], reader) for name, reader in readers.items()}

    def _values(
        self, name: str, entries: Any, reader: Callable[[Any], ValueT]
    ) -> tuple[DatedValue[ValueT], ...]:
        """From the last to the first: each must fit before the one after it."""
        if not isinstance(entries, list) or not entries:
            self._refuse((name,), f"'{name}' needs a list of dated values")
        values: list[DatedValue[ValueT]] = []
        for index in reversed(range(len(entries))):
            following = values[0].begins if values else None
            values.insert(0, self._value((name, index), entries[index], reader, following))
        return tuple(values)

    def _value(
        self, at: tuple[str, int], entry: Any, reader: Callable[[Any], ValueT], following: date | None
    ) -> DatedValue[ValueT]:
        if not isinstance(entry, dict) or not _NEEDED <= {*entry} <= {*_NEEDED, "to"}:
            self._refuse(at, "a dated value has from, value and source, and perhaps to")
        if not isinstance(entry["source"], str) or not entry["source"].strip():
            self._refuse((*at, "source"), "a value without a source")
        begins = self._day((*at, "from"), entry["from"])
        ends = following if entry.get("to") is None else self._day((*at, "to"), entry["to"])
        if following not in (None, ends):
            self._refuse(at, f"it ends on {ends}, and the next begins on {following}")
        if ends is not None and ends <= begins:
            self._refuse(at, f"what begins on {begins} must come before what begins on {ends}")
        try:
            return DatedValue(begins, ends, reader(entry["value"]), entry["source"])
        except ValueError as error:
            self._refuse((*at, "value"), str(error))

    def _day(self, at: tuple[str | int, ...], text: object) -> date:
        try:
            return read_day(text)
        except ValueError as error:
            self._refuse(at, str(error))

    def _refuse(self, at: tuple[str | int, ...], fault: str) -> NoReturn:
        raise DatedFileFaulty(self.name, self.document.line_of(at), fault)
