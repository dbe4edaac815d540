"""Values that a scheme states as text, and timelines of them: each holds from its date to the next."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, Any, Generic, NoReturn, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    RootModel,
    SerializerFunctionWrapHandler,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from datamarket.foundation import money
from datamarket.foundation.documents.dated import last_begun, read_day
from datamarket.foundation.inputs.texts import Said
from datamarket.foundation.spreadsheets.figures import FigureFault, read_fen

T = TypeVar("T")
BEGINNING = date(1, 1, 1)  # a value without a date holds from here
_BARE_NUMBER = re.compile(r"\s*\d+\s*")


def reject(zh: str, en: str, *at: str | int, mend: Said | None = None) -> NoReturn:
    """Refuse a value with a sentence in each language and its mend; `at` leads from the model to the culprit."""
    raise PydanticCustomError("scheme", "{en}", {"zh": zh, "en": en, "at": at, "mend": mend})


def nearest(written: str, known: Iterable[str]) -> Said:
    """The mend for a word that nobody knows: the one that comes nearest, and all of them."""
    words = sorted(known)
    near = get_close_matches(written, words, 1)
    zh, en = (f"是否为 {near[0]}？", f"is it {near[0]}? ") if near else ("", "")
    return f"{zh}请用其中之一：{'、'.join(words)}", f"{en}use one of {', '.join(words)}"


def _as_meant(value: Any) -> Said:
    """How the same rate is written here: ３０％ and 30 % are "30%"."""
    text = "".join(unicodedata.normalize("NFKC", str(value)).split()).strip("“”‘’'\"")
    for meant in (text, f"{text}%"):
        try:
            _strict_rate(meant)
        except ValueError:
            continue
        return f'请写作 "{meant}"', f'write "{meant}"'
    return '请写成加引号的文字，例如 "30%"', 'write quoted text such as "30%"'


def _strict_rate(text: str) -> Fraction:
    """A rate as it may stand here. Raises ValueError."""
    rate = money.parse_rate(text)
    if rate > 1 or _BARE_NUMBER.fullmatch(text):
        raise ValueError(text)
    return rate


def _in_yuan(value: Any) -> Said:
    """How the same amount is written here: 100万元 is "1000000.00"."""
    try:
        fen = read_fen(str(value).strip("“”‘’'\""), None)
    except FigureFault:
        fen = -1
    shown = money.yuan(fen) if fen >= 0 else "1000000.00"
    return f'请写成加引号的元，例如 "{shown}"', f'write yuan as quoted text, such as "{shown}"'


def not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    """A list that is there has something in it."""
    if not items:
        reject(
            "列表不能为空",
            "the list is empty",
            mend=("请至少写一项，或删去此键", "write one, or leave the key out"),
        )
    return items


def _day(value: Any) -> date:
    try:
        return read_day(value)
    except ValueError:
        zh, en = f"不是日期：{value}；应写作 2024-01-01", f"not a date: {value}; write 2024-01-01"
        return reject(
            zh, en, mend=("请写存在的日期，年-月-日各补足位数", "write a day that exists, as year-month-day")
        )


def _instant(value: Any) -> str:
    if isinstance(value, str):
        try:
            if datetime.fromisoformat(value).tzinfo is not None:
                return value
        except ValueError:
            pass
    return reject(
        f"不是带时区的时间：{value}",
        f"not an instant with an offset: {value}",
        mend=("请写作 2026-05-21T09:00:00+08:00", "write 2026-05-21T09:00:00+08:00"),
    )


def _rate(value: Any) -> Fraction:
    try:
        return _strict_rate(value)
    except (ValueError, TypeError):
        pass
    return reject(
        f'不是比例：{value}；应写成加引号的文字，例如 "30%"，不超过 100%',
        f'not a rate: {value}; write quoted text such as "30%", at most 100%',
        mend=_as_meant(value),
    )


def _amount(value: Any) -> int:
    try:
        amount = money.parse_yuan(value)
    except ValueError:
        amount = money.Fen(-1)
    if amount >= 0:
        return amount
    return reject(
        f'不是金额：{value}；应写成加引号的元，例如 "1000000.00"',
        f'not an amount: {value}; write yuan as quoted text, such as "1000000.00"',
        mend=_in_yuan(value),
    )


def _text_schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Instant = Annotated[str, PlainValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Rate = Annotated[
    Fraction,
    PlainValidator(_rate),
    PlainSerializer(money.percent),
    _text_schema(r"^(\d{1,9}(\.\d{1,12})?%|\d\.\d{1,12})$", "30%"),
]
Amount = Annotated[
    int,
    PlainValidator(_amount),
    PlainSerializer(money.yuan),
    _text_schema(r"^\d{1,16}(\.\d{1,2})?$", "1000000.00"),
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[
    str, StringConstraints(max_length=64), Field(json_schema_extra={"pattern": r"^-?[a-z][a-z0-9_]{0,63}$"})
]
"""Of a fact or condition; which there are is checked where it is used, and said."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Frozen(BaseModel):
    """A part of a scheme: no key beyond the known ones, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class Words(Frozen):
    """One text in both languages; a plain text stands for both."""

    zh: Text
    en: Text

    @model_validator(mode="before")
    @classmethod
    def _both(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


class Stated(Frozen, Generic[T]):
    """One value of a timeline: when it was published and recorded, and where it stands; null ends it."""

    value: T | None
    published: Day | None = None
    recorded_at: Instant | None = None
    article: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"value": value}

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler) -> Any:
        full = handler(self)
        if self.published is None and self.recorded_at is None and self.article is None:
            return full["value"]
        return full

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        full = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [full["properties"]["value"], full]}


@dataclass(frozen=True, slots=True)
class InForce(Generic[T]):
    """What a timeline says on a day, and since when."""

    value: T
    since: date
    article: str | None


class Timeline(RootModel[dict[Day, Stated[T]]], Generic[T]):
    """Dated values; each holds from its own date until the next, inclusive of the first day."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _ordered(cls, root: dict[date, Stated[T]]) -> dict[date, Stated[T]]:
        if not root:
            mend = ('请写作 {2024-01-01: "1%"}', 'write {2024-01-01: "1%"}')
            reject("至少要有一个带日期的值", "at least one dated value is needed", mend=mend)
        return dict(sorted(root.items()))

    def values(self) -> Iterator[tuple[date, T]]:
        """Each day from which something is stated, and what; not the days on which it only ends."""
        return ((day, stated.value) for day, stated in self.root.items() if stated.value is not None)

    def on(self, day: date) -> InForce[T] | None:
        """The value in force; None before the first date and after an ending null."""
        since = last_begun(self.root, day)
        if since is None or (stated := self.root[since]).value is None:
            return None
        return InForce(stated.value, since, stated.article)


class Headcount(Timeline[Annotated[StrictInt, Field(ge=1, le=1_000_000)]]):
    """How many are selected; a plain number holds for ever."""

    @model_validator(mode="before")
    @classmethod
    def _for_ever(cls, value: Any) -> Any:
        return {BEGINNING.isoformat(): value} if isinstance(value, int) else value

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> Any:
        dated = handler(self)
        return dated[BEGINNING.isoformat()] if list(self.root) == [BEGINNING] else dated

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "integer", "minimum": 1}, handler.resolve_ref_schema(handler(core))]}


class Bounds(Frozen, Generic[T]):
    """The bounds within which a parameter may be set."""

    min: T | None = None
    max: T | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is None and self.max is None:
            reject("须给出 min 或 max", "min or max is needed", mend=("请写其中之一", "write one of them"))
        return self
