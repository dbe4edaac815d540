"""Forms of the API's writes: fields from the schema of what is sent, and what was typed as the JSON that it means.

Amounts are typed in yuan, instants in the market's time; what cannot be read is sent as it was typed, and the API
says what is wrong with it, beside its field.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.money import parse_yuan, yuan
from datamarket.portal.operations import ApiDocument, Schema
from datamarket.portal.words.tongues import Tongue

BLANK_ROWS = 2
"""Of a table that is filled in, beside what stands in it already."""
MOST_ROWS = 60
"""That one asks for at once."""
_LONG = 400
"""Characters from which a text gets a field of several lines."""
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_TYPED_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)
_KINDS = {
    "date": "day",
    "date-time": "instant",
    "uuid": "id",
    "boolean": "yes-or-no",
    "integer": "number",
}
"""Format or type → how it is typed."""
_LINES = {"integer": "numbers"}
_SECRETS = {"password", "old", "new"}
Typed = Mapping[str, Sequence[str]]
"""What a browser sends: the values of each name."""


@dataclass
class Blank:
    """One field of a form, or a group of them; `name` is its place in the document, parted by dots."""

    name: str
    kind: str
    label: str
    required: bool
    hint: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    most: int | None = None
    values: Sequence[str] = ()
    faults: list[str] = field(default_factory=list)
    parts: list["Blank"] = field(default_factory=list)

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def is_faulty(self) -> bool:
        return any(part.faults for part in self.walk())

    def walk(self) -> Iterator["Blank"]:
        yield self
        for part in self.parts:
            yield from part.walk()


class Filler:
    """Makes the fields of one operation, and reads what was typed into them."""

    def __init__(self, document: ApiDocument, words: Tongue, rows: int = BLANK_ROWS) -> None:
        self._document, self._words, self._rows = document, words, rows

    def blanks(self, body: Schema, given: Mapping[str, Any]) -> list[Blank]:
        """The fields of a body, filled with what is given as JSON; those first in which something stands, or must."""
        made = self._fields(self._document.resolved(body), "", given)
        return sorted(made, key=lambda blank: not (blank.required or blank.values))

    def _fields(
        self, body: Schema, prefix: str, given: Mapping[str, Any], *, assumed: bool = True
    ) -> Iterator[Blank]:
        """Of a group or row that may be left out nothing is `assumed`: it would count as filled in."""
        required = set(body.get("required", ()))
        for name, schema in body.get("properties", {}).items():
            value = given.get(name, schema.get("default") if assumed else None)
            yield self._field(f"{prefix}{name}", schema, value, required=name in required)

    def _field(self, name: str, schema: Schema, value: Any, *, required: bool) -> Blank:
        present = self._document.present(schema)
        inner = self._document.resolved(present)
        last = next(part for part in reversed(name.split(".")) if not part.isdigit())
        made = Blank(name, self._kind(last, inner), self._words.name(last), required)
        made.most = inner.get("maxLength")
        self._fill(made, present, inner, value)
        return made

    def _kind(self, last: str, inner: Schema) -> str:
        """How it is typed."""
        kind = inner.get("type")
        if "enum" in inner:
            return "choice"
        if kind == "array":
            item = self._document.resolved(inner.get("items", {}))
            return (
                "rows"
                if "properties" in item
                else "choices"
                if "enum" in item
                else _LINES.get(item.get("type", ""), "lines")
            )
        if kind == "object":
            return "group" if "properties" in inner else "pairs"
        if kind == "integer" and last.endswith("_fen"):
            return "money"
        long = "prose" if (inner.get("maxLength") or 0) > _LONG else "line"
        secret = "secret" if last in _SECRETS else None
        return secret or _KINDS.get(inner.get("format", ""), _KINDS.get(kind or "", long))

    def _fill(self, made: Blank, present: Schema, inner: Schema, value: Any) -> None:
        """Its options and parts, and what stands in it; a group or rows cannot stand in an address."""
        value = None if made.kind in {"group", "rows"} and isinstance(value, str) else value
        if made.kind == "group":
            assumed = made.required or bool(value)
            made.parts = list(self._fields(inner, f"{made.name}.", value or {}, assumed=assumed))
        elif made.kind == "rows":
            rows = [*(value or ()), *({} for _ in range(self._rows))]
            item = self._document.resolved(inner["items"])
            made.parts = [
                Blank(f"{made.name}.{at}", "group", "", required=False, parts=list(self._fields(item, f"{made.name}.{at}.", row, assumed=bool(row))))
                for at, row in enumerate(rows)
            ]  # fmt: skip
        elif made.kind in {"choice", "choices"}:
            source = present if made.kind == "choice" else inner["items"]
            words, named = self._document.resolved(source)["enum"], self._document.name_of(source)
            made.options = [(word, self._words.label(str(word), named)) for word in words]
            made.values = [value] if isinstance(value, str) else list(value or ())
        else:
            made.values = _as_typed(made.kind, value)

    def read(self, blanks: Sequence[Blank], typed: Typed) -> dict[str, Any]:
        """The JSON that was meant; what was left empty is left out. Fills the fields with what was typed."""
        meant = ((blank, self._meant(blank, typed)) for blank in blanks)
        return {blank.name.rpartition(".")[2]: value for blank, value in meant if value is not None}

    def _meant(self, blank: Blank, typed: Typed) -> Any:
        if blank.kind == "group":
            return self.read(blank.parts, typed) or None
        if blank.kind == "rows":
            rows = [self.read(row.parts, typed) for row in blank.parts]
            return [row for row in rows if row] or None
        blank.values = [value for value in typed.get(blank.name, ()) if value.strip()]
        if blank.kind == "choices":
            return list(blank.values) or None
        return _as_meant(blank.kind, blank.value) if blank.values else None


def _as_typed(kind: str, value: Any) -> list[str]:
    """A JSON value as one types it; the text of an address stands as it is."""
    is_typed = isinstance(value, str) and kind != "instant"
    write: Callable[[Any], str] = str if is_typed else _WRITTEN.get(kind, str)
    return [] if value is None else [write(value)]


def _as_meant(kind: str, text: str) -> Any:
    """What was typed as JSON; text that cannot be read goes as it is, for the API to refuse."""
    read: Callable[[str], Any] = _READ.get(kind, str)
    return read(text.strip())


def _fen(text: str) -> int | str:
    try:
        return int(parse_yuan(text.replace(",", "").replace("，", "")))
    except ValueError:
        return text


def _instant(text: str) -> str:
    seconds = "" if len(text) > len("2026-01-01T10:00") else ":00"
    return f"{text}{seconds}+08:00" if _TYPED_INSTANT.fullmatch(text) else text


def _instant_typed(value: str) -> str:
    """In the market's time; what an address says already so, or what is no instant, stands as it is."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (read.astimezone(MARKET_ZONE) if read.tzinfo else read).strftime("%Y-%m-%dT%H:%M")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(text: str) -> dict[str, Any]:
    pairs = (line.partition("=") for line in _lines(text))
    return {name.strip(): _value(value.strip()) for name, _, value in pairs}


def typed_value(value: Any) -> str:
    """As one types it beside its name: what is read back as the same JSON."""
    is_plain = isinstance(value, str) and _value(value) == value
    return value if is_plain else orjson.dumps(value).decode()


def _number_or_text(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text) else text


def _value(text: str) -> Any:
    """What JSON writes with a bracket or quotes, nothing as `null`, else a whole number or text."""
    if text[:1] in {"[", "{", '"'} or text == "null":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return _number_or_text(text)


_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "money": yuan,
    "instant": _instant_typed,
    "yes-or-no": lambda value: "true" if value else "false",
    "lines": lambda value: "\n".join(map(str, value)),
    "numbers": lambda value: "\n".join(map(str, value)),
    "pairs": lambda value: "\n".join(f"{name} = {typed_value(one)}" for name, one in value.items()),
}
_READ: Mapping[str, Callable[[str], Any]] = {
    "money": _fen,
    "number": _number_or_text,
    "instant": _instant,
    "yes-or-no": lambda text: text == "true",
    "lines": _lines,
    "numbers": lambda text: [_number_or_text(line) for line in _lines(text)],
    "pairs": _pairs,
}


def place_faults(blanks: Sequence[Blank], problem: Mapping[str, Any]) -> list[str]:
    """Sets each fault of a problem document beside its field; those that belong to none are returned."""
    fields = {part.name: part for blank in blanks for part in blank.walk()}
    homeless = []
    for fault in problem.get("errors") or ():
        name = fault["pointer"].removeprefix("/body").strip("/").replace("/", ".")
        while name and name not in fields:
            name = name.rpartition(".")[0]
        if name:
            fields[name].faults.append(fault["message"])
        else:
            homeless.append(f"{fault['pointer']}: {fault['message']}")
    return homeless
