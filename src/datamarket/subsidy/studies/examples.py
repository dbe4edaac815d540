"""The policy staff's own test cases: given these enterprises and projects, exactly these awards.

A fact that a case does not mention is as for an ordinary applicant: registered, not suspended, listed, not
funded before; null, in a workbook 未知, is not known. `repeat: 3` makes three of a row, named id-1 to id-3;
`step` is added to the amounts from one to the next. What is not expected is not compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError, model_validator

from datamarket.foundation import money
from datamarket.foundation.documents import plain_yaml
from datamarket.foundation.documents.reading import read_at_most
from datamarket.foundation.errors import Invalid, MarketError
from datamarket.foundation.inputs.texts import Said
from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts.files import WANTED
from datamarket.subsidy.scheme.dated_values import Amount, Frozen, Text, nearest, reject
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.files import load_scheme, mistakes_of
from datamarket.subsidy.scheme.vocabulary import FACTS, FactKind
from datamarket.subsidy.terms import Candidate, FactValue, LineStatus, Result, Snapshot, Unit

MOST_REPEATED = 10_000
ORDINARY: Mapping[str, FactValue] = {
    "registered_in_city": True,
    "suspended": False,
    "case_listed_in_period": True,
    "claimed_before": False,
}
SHIPPED = "qd-data-element.yaml"


class ExamplesInvalid(Invalid):
    code = "subsidy.examples-invalid"
    zh = "算例文件第 {line} 行第 {column} 列有误（{where}）：{problem_zh}；{mend_zh}。"
    en = "The file of examples is wrong at line {line} column {column} ({where}): {problem_en}; {mend_en}."


class Row(Frozen):
    """One candidate, or `repeat` of them; the other keys are facts."""

    model_config = ConfigDict(extra="allow")

    id: Text
    enterprise: Text | None = None
    repeat: Annotated[StrictInt, Field(ge=1, le=MOST_REPEATED)] | None = None
    step: Text | None = None

    @model_validator(mode="after")
    def _known_facts(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if name not in FACTS:
                reject(f"未知的事实：{name}", f"unknown fact: {name}", name, mend=nearest(name, FACTS))
            if value is not None and _fact(name, value) is None:
                problem, mend = WANTED[FACTS[name].kind]
                reject(f"“{value}”{problem[0]}", f"'{value}' is {problem[1]}", name, mend=mend)
        if self.step is not None and _yuan(self.step) is None:
            (zh, en), mend = WANTED[FactKind.MONEY]
            reject(f"“{self.step}”{zh}", f"'{self.step}' is {en}", "step", mend=mend)
        return self

    def candidates(self, unit: Unit) -> Iterator[Candidate]:
        """As many as are repeated."""
        stated = {name: _fact(name, value) for name, value in (self.model_extra or {}).items()}
        facts = {name: value for name, value in {**ORDINARY, **stated}.items() if value is not None}
        step = _yuan(self.step) or 0
        for index in range(self.repeat or 1):
            own_id = f"{self.id}-{index + 1}" if self.repeat else self.id
            moved = {
                name: value + step * index
                if FACTS[name].kind is FactKind.MONEY and isinstance(value, int)
                else value
                for name, value in facts.items()
                if unit in FACTS[name].units
            }
            yield Candidate(unit, own_id, self.enterprise or own_id, "", moved)


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
class Mismatch:
    """One figure that is not as expected, and why it is as it was found."""

    what: Said
    expected: str
    found: str
    reason: Said = ("", "")

    def __str__(self) -> str:
        return f"{self.what[1]}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case after it was run; no differences means that it holds."""

    name: str
    differences: tuple[Mismatch, ...]


def read_example_file(path: Path) -> list[Example]:
    """The cases of a YAML file or a workbook. Raises ExamplesInvalid, FactsInvalid and OSError."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return read_examples(read_at_most(path, plain_yaml.MAX_BYTES))
    from datamarket.subsidy.studies.example_sheets import read_example_sheets  # noqa: PLC0415 - loads openpyxl

    return validated(read_example_sheets(path))


def shipped_examples() -> bytes:
    """Ten cases of the two known rules."""
    return (resources.files("datamarket.subsidy.studies") / "shipped" / SHIPPED).read_bytes()


def read_examples(content: bytes) -> list[Example]:
    """The cases of a file. Raises ExamplesInvalid, naming the line."""
    try:
        document = plain_yaml.read_plain_yaml(content)
    except plain_yaml.NotPlainYaml as error:
        raise ExamplesInvalid(
            line=error.line, column=error.column, where="-", problem_zh=error.zh, problem_en=error.en,
            mend_zh=error.mend[0], mend_en=error.mend[1],
        ) from None  # fmt: skip
    return validated(document)


def validated(document: plain_yaml.Document) -> list[Example]:
    """Raises ExamplesInvalid."""
    try:
        return TypeAdapter(list[Example]).validate_python(document.value)
    except ValidationError as error:
        first = mistakes_of(error, document)[0]
        raise ExamplesInvalid(
            line=first.line, column=first.column, where=first.where, problem_zh=first.zh, problem_en=first.en,
            mend_zh=first.mend_zh, mend_en=first.mend_en,
        ) from None  # fmt: skip


def run_example(example: Example, scheme_of: Callable[[str], bytes]) -> Outcome:
    """Evaluate one case and list every figure that is not as expected."""
    given = {Unit.ENTERPRISE: example.given.enterprises, Unit.PROJECT: example.given.projects}
    rows = (candidate for unit, made in given.items() for row in made for candidate in row.candidates(unit))
    try:
        scheme = load_scheme(scheme_of(example.scheme))
        result = evaluate(scheme, Snapshot.of(rows), example.year)
    except MarketError as error:
        told = error.sentence("zh"), error.sentence("en")
        return Outcome(example.name, _refused(example.expect.refused, error.code, told))
    return Outcome(example.name, tuple(_differences(example, result, scheme)))


def _yuan(text: Any) -> int | None:
    try:
        return money.parse_yuan(text)
    except ValueError:
        return None


def _fact(name: str, value: Any) -> FactValue | None:
    """The value as the evaluator keeps it; None for what is none."""
    match FACTS[name].kind, value:
        case FactKind.MONEY, str():
            return _yuan(value)
        case (FactKind.TRUTH, bool()) | (FactKind.INSTANT, str()):
            return value  # type: ignore[no-any-return]
        case FactKind.COUNT, int() if not isinstance(value, bool):
            return value
    return None


def _refused(expected: str | None, found: str | None, reason: Said = ("", "")) -> tuple[Mismatch, ...]:
    if expected == found:
        return ()
    return (Mismatch(("拒绝", "refused"), str(expected), str(found), reason),)


def _differences(example: Example, result: Result, scheme: Scheme) -> Iterator[Mismatch]:
    expect = example.expect
    yield from _refused(expect.refused, None)
    lines = {
        line.candidate: [one for one in result.lines if one.candidate == line.candidate]
        for line in result.lines
    }

    def told(candidate: str) -> Said:
        reasons = [explain(line, scheme, result.year) for line in lines.get(candidate, ())]
        return " ".join(one.zh for one in reasons), " ".join(one.en for one in reasons)

    compared: list[tuple[Said, str, str, Said]] = []
    for candidate, amount in (expect.awards or {}).items():
        own = lines.get(candidate)
        found = money.yuan(sum(line.amount_fen for line in own)) if own else "no line"
        compared.append(((candidate, candidate), money.yuan(amount), found, told(candidate)))
    for candidate, status in (expect.statuses or {}).items():
        statuses = ", ".join(sorted({line.status.value for line in lines.get(candidate, ())}))
        what = (f"{candidate} 的状态", f"status of {candidate}")
        compared.append((what, status.value, statuses, told(candidate)))
    if expect.cap_bound is not None:
        bound = sorted(line.candidate for line in result.lines if line.cap_bound)
        compared.append(
            (("触及上限", "cap-bound"), _joined(sorted(expect.cap_bound)), _joined(bound), ("", ""))
        )
    if expect.total is not None:
        compared.append((("合计", "total"), money.yuan(expect.total), money.yuan(result.total_fen), ("", "")))
    if expect.ties_at_cut is not None:
        what = ("入围线并列", "ties at the cut")
        compared.append((what, str(expect.ties_at_cut), str(result.ties_at_cut), ("", "")))
    yield from (Mismatch(*one) for one in compared if one[1] != one[2])


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names)
