"""The format of a scheme file: policy as dated, cited data; nothing in it is a program.

Rates and amounts are text, parsed to exact fractions and fen. What the published wording leaves open
is an interpretation with its reason, never a default in code.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.scheme.dated_values import (
    Amount,
    Day,
    Frozen,
    Slug,
    Text,
    Timeline,
    Words,
    nearest,
    not_empty,
    reject,
)

Source = Literal["law", "report", "assumed"]


class Instrument(Frozen):
    """The document that a scheme carries out; null says that a field is not known to us."""

    doc_no: Text | None
    issuer: Text | None
    published: Day | None
    source: Source
    note: Words | None = None


class Validity(Frozen):
    """The half-open span of days of a scheme: `to` is the first day after it.

    A span that is assumed is told as such beside every value that holds since its first day.
    """

    from_: Day = Field(alias="from")
    to: Day | None = None
    source: Source | None = None
    why: Words | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.to is not None and self.to <= self.from_:
            mend = ("请对调，或写 to: null", "exchange them, or write to: null")
            reject("to 必须晚于 from", "to must be later than from", "to", mend=mend)
        return self

    def covers(self, year: int) -> bool:
        """Whether the whole year lies within."""
        if not date.min.year <= year < date.max.year:
            return False
        return self.from_ <= date(year, 1, 1) and (self.to is None or self.to >= date(year + 1, 1, 1))


class Currency(Frozen):
    code: Literal["CNY"]
    minor: Annotated[StrictInt, Field(ge=2, le=2)]


class Stacking(Frozen):
    """Whether one enterprise may keep awards of several clauses; `highest_only` keeps one line."""

    group: Annotated[tuple[Slug, ...], AfterValidator(not_empty)]
    rule: Literal["all", "highest_only"]


class BudgetRule(Frozen):
    """The pool of one year, and what happens when the awards exceed it."""

    amount: Timeline[Amount]
    when_exceeded: Literal["pro_rata", "first_come", "stop"]
    remainder: Literal["largest_remainder"] = "largest_remainder"


class Publicity(Frozen):
    working_days: Annotated[StrictInt, Field(ge=1)] | None
    source: Source = "assumed"
    why: Words | None = None


class Appeal(Frozen):
    days: Annotated[StrictInt, Field(ge=1)] | None
    source: Source = "assumed"
    why: Words | None = None


class Interpretation(Frozen):
    """What the wording leaves open, what is taken, and why."""

    question: Words
    choice: Words
    why: Words
    source: Source


class Scheme(Frozen):
    """One instrument of support, whole."""

    format: Literal["subsidy-scheme/1"]
    id: Slug
    title: Words
    instrument: Instrument
    valid: Validity
    period: Literal["calendar_year"]
    timezone: Literal["Asia/Shanghai"]
    currency: Currency
    clauses: Annotated[tuple[Clause, ...], AfterValidator(not_empty)]
    stacking: tuple[Stacking, ...] = ()
    enterprise_cap: Timeline[Amount] | None = None
    budget: BudgetRule | None = None
    publicity: Publicity | None = None
    appeal: Appeal | None = None
    interpretations: tuple[Interpretation, ...] = ()

    def clause(self, clause_id: str) -> Clause:
        """The clause of that id; KeyError when there is none."""
        return {clause.id: clause for clause in self.clauses}[clause_id]

    def to_json(self) -> dict[str, Any]:
        """The scheme as a document of texts and whole numbers, in the format of the file."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _own_ids(self) -> Self:
        ids = [clause.id for clause in self.clauses]
        for index, clause_id in enumerate(ids):
            if clause_id in ids[:index]:
                zh, en = f"条款编号重复：{clause_id}", f"duplicate clause id: {clause_id}"
                reject(zh, en, "clauses", index, "id", mend=("请另取编号", "give it another id"))
        grouped: set[str] = set()
        for index, position, member in self._members():
            if member not in ids or member in grouped:
                zh, en = f"未知或重复的条款：{member}", f"unknown or repeated clause: {member}"
                reject(zh, en, "stacking", index, "group", position, mend=nearest(member, ids))
            grouped.add(member)
        return self

    def _members(self) -> Iterator[tuple[int, int, str]]:
        for index, stacking in enumerate(self.stacking):
            for position, member in enumerate(stacking.group):
                yield index, position, member


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scheme file, from which a form can be generated."""
    return Scheme.model_json_schema()
