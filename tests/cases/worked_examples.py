"""The policy staff's own test cases: given these enterprises and projects, exactly these awards.

A fact that a case does not mention is as for an ordinary applicant: registered, not suspended, listed,
not funded before. `repeat: 3` makes three of a row, named id-1 to id-3; `step` is added to the amount
from one to the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError

from datamarket.foundation import money
from datamarket.foundation.documents import plain_yaml
from datamarket.foundation.errors import Invalid, MarketError
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.dated_values import Amount, Frozen, Text
from datamarket.subsidy.scheme.files import load_scheme, mistakes_of
from datamarket.subsidy.scheme.vocabulary import FACTS, FactKind
from datamarket.subsidy.terms import Candidate, FactValue, LineStatus, Result, Snapshot, Unit

ORDINARY: Mapping[str, FactValue] = {
    "registered_in_city": True,
    "suspended": False,
    "case_listed_in_period": True,
    "claimed_before": False,
}


class ExamplesInvalid(Invalid):
    code = "subsidy.examples-invalid"
    zh = "算例文件第 {line} 行有误（{where}）：{problem_zh}。"
    en = "The file of examples is wrong at line {line} ({where}): {problem_en}."


class Row(Frozen):
    """One candidate, or `repeat` of them; the other keys are facts."""

    model_config = ConfigDict(extra="allow")

    id: Text
    enterprise: Text | None = None
    repeat: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = None
    step: Text | None = None

    def candidates(self, unit: Unit) -> list[Candidate]:
        """Raises ValueError for an unknown fact or a value that does not fit it."""
        stated = {name: _fact(name, value) for name, value in (self.model_extra or {}).items()}
        facts = {name: value for name, value in {**ORDINARY, **stated}.items() if value is not None}
        step = money.parse_yuan(self.step) if self.step else 0
        made = []
        for index in range(self.repeat or 1):
            own_id = f"{self.id}-{index + 1}" if self.repeat else self.id
            moved = {
                name: value + step * index
                if FACTS[name].kind is FactKind.MONEY and isinstance(value, int)
                else value
                for name, value in facts.items()
                if unit in FACTS[name].units
            }
            made.append(Candidate(unit, own_id, self.enterprise or own_id, "", moved))
        return made


class Given(Frozen):
    enterprises: tuple[Row, ...] = ()
    projects: tuple[Row, ...] = ()


class Expected(Frozen):
    """What must come out, to the fen; what is left out is not compared."""

    awards: dict[str, Amount] | None = None
    statuses: dict[str, LineStatus] | None = None
    cap_bound: tuple[Text, ...] | None = None
    total: Amount | None = None
    ties_at_cut: StrictInt | None = None
    refused: Text | None = None


class Example(Frozen):
    name: Text
    scheme: Text
    year: StrictInt
    given: Given
    expect: Expected


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case after it was run; no differences means that it holds."""

    name: str
    differences: tuple[str, ...]


def read_examples(content: bytes) -> list[Example]:
    """The cases of a file. Raises ExamplesInvalid, naming the line."""
    try:
        document = plain_yaml.read_plain_yaml(content)
    except plain_yaml.NotPlainYaml as error:
        raise ExamplesInvalid(line=error.line, where="-", problem_zh=error.zh, problem_en=error.en) from None
    try:
        return TypeAdapter(list[Example]).validate_python(document.value)
    except ValidationError as error:
        first = mistakes_of(error, document)[0]
        raise ExamplesInvalid(
            line=first.line, where=first.where, problem_zh=first.zh, problem_en=first.en
        ) from None


def run_example(example: Example, scheme_of: Callable[[str], bytes]) -> Outcome:
    """Evaluate one case and list every figure that is not as expected."""
    try:
        rows = [
            candidate
            for unit, given in (
                (Unit.ENTERPRISE, example.given.enterprises),
                (Unit.PROJECT, example.given.projects),
            )
            for row in given
            for candidate in row.candidates(unit)
        ]
        result = evaluate(load_scheme(scheme_of(example.scheme)), Snapshot.of(rows), example.year)
    except ValueError as error:
        return Outcome(example.name, (str(error),))
    except MarketError as error:
        return Outcome(example.name, _difference("refused", example.expect.refused, error.code))
    return Outcome(example.name, _differences(example.expect, result))


def _fact(name: str, value: Any) -> FactValue | None:
    kind = FACTS[name].kind if name in FACTS else None
    if value is None and kind is not None:
        return None
    if kind is FactKind.MONEY:
        return money.parse_yuan(value)
    if kind is FactKind.TRUTH and isinstance(value, bool):
        return value
    if kind is FactKind.COUNT and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is FactKind.INSTANT and isinstance(value, str):
        return value
    message = f"{name}: {value!r} is not a fact"
    raise ValueError(message)


def _difference(what: str, expected: Any, found: Any) -> tuple[str, ...]:
    return () if expected == found else (f"{what}: expected {expected}, found {found}",)


def _differences(expect: Expected, result: Result) -> tuple[str, ...]:
    differences = _difference("refused", expect.refused, None)
    paid: dict[str, int] = {}
    for line in result.lines:
        paid[line.candidate] = paid.get(line.candidate, 0) + line.amount_fen
    for candidate, amount in (expect.awards or {}).items():
        found = money.yuan(paid[candidate]) if candidate in paid else "no line"
        differences += _difference(candidate, money.yuan(amount), found)
    for candidate, status in (expect.statuses or {}).items():
        statuses = sorted({line.status.value for line in result.lines if line.candidate == candidate})
        differences += _difference(f"status of {candidate}", [status.value], statuses)
    if expect.cap_bound is not None:
        bound = sorted(line.candidate for line in result.lines if line.cap_bound)
        differences += _difference("cap-bound", sorted(expect.cap_bound), bound)
    if expect.total is not None:
        differences += _difference("total", money.yuan(expect.total), money.yuan(result.total_fen))
    if expect.ties_at_cut is not None:
        differences += _difference("ties at the cut", expect.ties_at_cut, result.ties_at_cut)
    return differences
