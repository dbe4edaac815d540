"""Candidates, snapshots, steps, lines and results: frozen values, hashed over canonical JSON; why an award changes."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import orjson

from datamarket.foundation.errors import Invalid
from datamarket.foundation.states import Labelled

FactValue = int | str | bool
Facts = Mapping[str, FactValue]
StepValue = int | str | bool | None
SNAPSHOT_FORMAT = "subsidy-snapshot/1"
RESULT_FORMAT = "subsidy-result/1"


class Unit(StrEnum):
    """What a clause counts: 企业 or 项目."""

    ENTERPRISE = "enterprise"
    PROJECT = "project"


class LineStatus(Labelled):
    """The life of one award line; the evaluator gives only the first five, what follows is read from events and payments."""

    PROPOSED = "proposed", "拟奖补", "proposed"
    DISPLACED = "displaced", "被其他奖补取代", "displaced"
    INELIGIBLE = "ineligible", "不符合条件", "ineligible"
    NOT_SELECTED = "not_selected", "未入选", "not selected"
    HELD = "held", "暂缓核定", "held"
    FINAL = "final", "已核定", "final"
    PAYABLE = "payable", "应付", "payable"
    INSTRUCTED = "instructed", "支付中", "instructed"
    PAID = "paid", "已支付", "paid"
    FAILED = "failed", "支付失败", "failed"
    FORGONE = "forgone", "不予支付", "forgone"
    RECOVERING = "recovering", "追回中", "recovering"
    RECOVERED = "recovered", "已追回", "recovered"


class ChangeReason(Labelled):
    """The first stage at which two arms differ, or the fact that was changed."""

    CLAUSE = "clause", "条款不同", "another clause"
    LEFT_OUT = "left-out", "未计入该企业", "left out of the study"
    CONDITIONS = "conditions", "条件变化", "conditions"
    BASE = "base", "计奖基数变化", "another base"
    VENUE = "venue", "平台是否计入", "venues that count"
    PARTY = "party", "按卖方或买方计", "seller or buyer counted"
    TAX = "tax", "含税或不含税", "tax in or out"
    TIES = "ties", "并列规则变化", "rule for ties"
    RANK_IN = "rank-in", "进入名次", "now within the ranks"
    RANK_OUT = "rank-out", "退出名次", "no longer within the ranks"
    RANK = "rank", "名次规则变化", "ranking"
    RATE = "rate", "比例变化", "another rate"
    TIERS = "tiers", "分档变化", "other tiers"
    FLOOR = "floor", "下限起作用", "the floor"
    FLOOR_RELEASED = "floor-released", "下限不再起作用", "no longer lifted by the floor"
    CAP_BOUND = "cap-bound", "触及上限", "now bound by the cap"
    CAP_RELEASED = "cap-released", "不再受上限限制", "no longer bound by the cap"
    CAP = "cap", "上限变化", "another cap"
    ROUNDING = "rounding", "舍入变化", "rounding"
    STACKING = "stacking", "叠加规则（被其他奖补取代）", "displaced by another award"
    ENTERPRISE_CAP = "enterprise-cap", "企业上限", "the cap of an enterprise"
    BUDGET = "budget", "预算", "the budget"
    OTHER = "other", "其他", "other"


class StepKind(StrEnum):
    """The stages of the pipeline, in their fixed order."""

    CONDITION = "condition"
    BASE = "base"
    RANK = "rank"
    RATE = "rate"
    TIER = "tier"
    FLOOR = "floor"
    CAP = "cap"
    ROUND = "round"
    SHARE = "share"
    STACKING = "stacking"
    ENTERPRISE_CAP = "enterprise_cap"
    BUDGET = "budget"
    FINAL = "final"


class DuplicateCandidate(Invalid):
    code = "subsidy.duplicate-candidate"
    zh = "快照中“{candidate}”出现不止一次：同一企业或项目只能计一次。"
    en = "'{candidate}' stands more than once in the snapshot: an enterprise or project counts once."


def canonical_json(document: Any) -> bytes:
    """The one spelling of a document of whole numbers, texts and truths: sorted keys, no spaces, UTF-8."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # numbers beyond 64 bits
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_of_bytes(content: bytes) -> str:
    """Over the bytes as they are."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(document: Any) -> str:
    """The hash of a document's canonical JSON."""
    return sha256_of_bytes(canonical_json(document))


def instant_text(at: datetime) -> str:
    """In UTC with microseconds: such texts sort as the instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def decimal_text(exact: Fraction) -> str:
    """An exact decimal as text, '999999.999'; a fraction without a finite decimal as 'n/d'."""
    digits, power = 0, 1
    while power % exact.denominator != 0:
        digits, power = digits + 1, power * 10
        if digits > exact.denominator.bit_length():
            return f"{exact.numerator}/{exact.denominator}"
    whole, part = divmod(abs(exact.numerator) * (power // exact.denominator), power)
    sign = "-" if exact < 0 else ""
    return f"{sign}{whole}.{part:0{digits}d}" if digits else f"{sign}{whole}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One enterprise or one project with what is known of it; a fact that is not known is absent."""

    unit: Unit
    id: str
    enterprise: str
    name: str = ""
    facts: Facts = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.facts.items():
            if not isinstance(value, (int, str)):  # a union is asked three times as slowly
                message = f"fact {name} of {self.id} is neither whole number, text nor truth: {value!r}"
                raise TypeError(message)

    def to_json(self) -> dict[str, Any]:
        """The canonical row: facts are whole numbers, texts and truths."""
        return {
            "unit": self.unit.value,
            "id": self.id,
            "enterprise": self.enterprise,
            "name": self.name,
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The candidate that `to_json` wrote."""
        return cls(Unit(row["unit"]), row["id"], row["enterprise"], row["name"], dict(row["facts"]))


@dataclass(frozen=True)
class Snapshot:
    """All candidates as they were known at one moment, in an order that owes nothing to the source."""

    candidates: tuple[Candidate, ...]
    chosen: dict[Any, "list[Line]"] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Lines that an evaluator has chosen from these facts, by all that the choice looks at: arms share them."""

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> Self:
        """Raises DuplicateCandidate: an enterprise on two venues is one candidate with summed facts."""
        ordered = tuple(sorted(candidates, key=lambda candidate: (candidate.unit.value, candidate.id)))
        ids: dict[Unit, set[str]] = {unit: set() for unit in Unit}
        enterprises: set[str] = set()
        for candidate in ordered:
            known = ids[candidate.unit]
            company = candidate.unit is Unit.ENTERPRISE
            if candidate.id in known or (company and candidate.enterprise in enterprises):
                raise DuplicateCandidate(candidate=candidate.id)
            known.add(candidate.id)
            if company:
                enterprises.add(candidate.enterprise)
        return cls(ordered)

    def of_unit(self, unit: Unit) -> list[Candidate]:
        """The candidates that a clause counting `unit` looks at."""
        return [candidate for candidate in self.candidates if candidate.unit is unit]

    def to_json(self) -> dict[str, Any]:
        """The document that is stored and hashed."""
        return {"format": SNAPSHOT_FORMAT, "candidates": [row.to_json() for row in self.candidates]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The snapshot that `to_json` wrote."""
        return cls.of(Candidate.from_json(row) for row in document["candidates"])

    @cached_property
    def sha256(self) -> str:
        """The hash that a run is bound to."""
        return sha256_of(self.to_json())


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the pipeline looked at or did, with the figures it saw."""

    kind: StepKind
    figures: Mapping[str, StepValue]

    def to_json(self) -> dict[str, StepValue]:
        """Flat: the kind under `step`, the figures beside it."""
        return {"step": self.kind.value, **self.figures}

    @classmethod
    def from_json(cls, row: Mapping[str, StepValue]) -> Self:
        """The step that `to_json` wrote."""
        return cls(StepKind(str(row["step"])), {name: value for name, value in row.items() if name != "step"})


@dataclass(frozen=True, slots=True)
class Line:
    """What one clause decided about one candidate, and how, step by step."""

    clause: str
    candidate: str
    enterprise: str
    name: str = ""
    status: LineStatus = LineStatus.PROPOSED
    base_fen: int | None = None
    rank: int | None = None
    rate: str | None = None
    cap_fen: int | None = None
    cap_bound: bool = False
    amount_fen: int = 0
    steps: tuple[Step, ...] = ()

    def then(self, kind: StepKind, figures: Mapping[str, StepValue], **changes: Any) -> Self:
        """The line after one more step; `changes` are fields of the line."""
        changes["steps"] = (*self.steps, Step(kind, figures))
        line = object.__new__(type(self))  # a run makes many: replace() takes three times as long
        for name in _LINE_FIELDS:
            object.__setattr__(line, name, changes[name] if name in changes else getattr(self, name))
        return line

    def steps_of(self, kind: StepKind) -> list[Step]:
        """The steps of one stage; a stage that was not reached has none."""
        return [step for step in self.steps if step.kind is kind]

    def to_json(self) -> dict[str, Any]:
        """All fields, steps last."""
        fields = {name: getattr(self, name) for name in _LINE_FIELDS}
        return fields | {"status": self.status.value, "steps": [step.to_json() for step in self.steps]}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The line that `to_json` wrote."""
        steps = tuple(Step.from_json(step) for step in row["steps"])
        return cls(**{**row, "status": LineStatus(row["status"]), "steps": steps})


_LINE_FIELDS = tuple(field.name for field in dataclasses.fields(Line))


@dataclass(frozen=True, slots=True)
class Result:
    """Every line of one scheme for one year over one snapshot."""

    scheme: str
    year: int
    snapshot_sha256: str
    lines: tuple[Line, ...]

    @property
    def total_fen(self) -> int:
        """The sum of all lines."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def ties_at_cut(self) -> int:
        """In how many clauses equal values straddle the cut."""
        steps = ((line.clause, step) for line in self.lines for step in line.steps_of(StepKind.RANK))
        return len({clause for clause, step in steps if step.figures["tied_at_cut"]})

    def to_json(self) -> dict[str, Any]:
        """The document that is stored and hashed."""
        return {
            "format": RESULT_FORMAT,
            "scheme": self.scheme,
            "year": self.year,
            "snapshot_sha256": self.snapshot_sha256,
            "total_fen": self.total_fen,
            "lines": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The result that `to_json` wrote."""
        lines = tuple(Line.from_json(row) for row in document["lines"])
        return cls(document["scheme"], document["year"], document["snapshot_sha256"], lines)

    @property
    def sha256(self) -> str:
        """Equal hashes mean equal lines, steps and total from equal inputs."""
        return sha256_of(self.to_json())
