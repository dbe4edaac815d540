"""What would a changed parameter cost, whom would it reach, and why: two arms over one snapshot.

Behaviour is not modelled: a candidate does not trade more because the rate is higher.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.reform import reformed
from datamarket.subsidy.terms import Line, Result, Snapshot, StepKind

NO_EFFECT = "no-effect"


class DifferentInputs(Invalid):
    code = "subsidy.different-inputs"
    zh = "只能比较同一年度的两个结果。"
    en = "Only results of one year can be compared."


class Move(StrEnum):
    """What happens to one candidate's award."""

    ENTERED = "entered"
    LEFT = "left"
    UP = "up"
    DOWN = "down"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One candidate under one clause, before and after; the reason is the first stage that differs."""

    clause: str
    candidate: str
    enterprise: str
    name: str
    before_fen: int
    after_fen: int
    move: Move
    reason: str | None


@dataclass(frozen=True, slots=True)
class ClauseCost:
    clause: str
    before_fen: int
    after_fen: int
    cap_bound_before: int
    cap_bound_after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results side by side; `notice` says when the reform moves no award."""

    before_fen: int
    after_fen: int
    delta_fen: int
    recipients_before: int
    recipients_after: int
    clauses: tuple[ClauseCost, ...]
    changes: tuple[Change, ...]
    notice: str | None

    def moved(self, move: Move) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.move is move]

    @property
    def moves(self) -> dict[str, int]:
        """How many changes of each kind."""
        return {move.value: len(self.moved(move)) for move in Move}

    def to_json(self) -> dict[str, Any]:
        """All figures, with a count of each kind of move."""
        return asdict(self) | {"moves": self.moves}


@dataclass(frozen=True, slots=True)
class WhatIf:
    baseline: Result
    reform: Result
    comparison: Comparison


def what_if(scheme: Scheme, changes: Mapping[str, Any], snapshot: Snapshot, year: int) -> WhatIf:
    """Both arms over the same snapshot. Raises what `reformed` and `rules.evaluate` raise."""
    other = reformed(scheme, snapshot, changes, year)
    baseline, reform = evaluate(scheme, snapshot, year), evaluate(other.scheme, other.snapshot, year)
    comparison = compare(baseline, reform, left_out=other.left_out, base_reason=other.base_reason)
    return WhatIf(baseline, reform, comparison)


def compare(
    baseline: Result, reform: Result, *, left_out: Collection[str] = (), base_reason: str = "base"
) -> Comparison:
    """Who enters, leaves, gains and loses, in the baseline's order; over other facts the reason may be the base.

    A study that changed facts says who was left out of them, and why a base is another one. Raises DifferentInputs
    for results of different years.
    """
    if baseline.year != reform.year:
        raise DifferentInputs
    before = {(line.clause, line.candidate): line for line in baseline.lines}
    after = {(line.clause, line.candidate): line for line in reform.lines}
    changes = tuple(_change(line, before.get(key), after.get(key)) for key, line in (before | after).items())
    told = {"base": base_reason}
    changes = tuple(
        replace(
            change,
            reason="left-out" if change.enterprise in left_out else told.get(change.reason, change.reason),
        )
        if change.reason
        else change
        for change in changes
    )
    return Comparison(
        before_fen=baseline.total_fen,
        after_fen=reform.total_fen,
        delta_fen=reform.total_fen - baseline.total_fen,
        recipients_before=_recipients(baseline),
        recipients_after=_recipients(reform),
        clauses=_costs(baseline.lines, reform.lines),
        changes=changes,
        notice=NO_EFFECT if all(change.move is Move.UNCHANGED for change in changes) else None,
    )


def _recipients(result: Result) -> int:
    return len({line.enterprise for line in result.lines if line.amount_fen > 0})


def _costs(before: Sequence[Line], after: Sequence[Line]) -> tuple[ClauseCost, ...]:
    figures: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for arm, lines in enumerate((before, after)):
        for line in lines:
            figures[line.clause][arm] += line.amount_fen
            figures[line.clause][2 + arm] += line.cap_bound
    return tuple(ClauseCost(clause, *numbers) for clause, numbers in figures.items())


def _change(line: Line, before: Line | None, after: Line | None) -> Change:
    """`line` is either side: both name the same candidate under the same clause."""
    old, new = (before.amount_fen if before else 0), (after.amount_fen if after else 0)
    if old == new:
        move = Move.UNCHANGED
    elif not old or not new:
        move = Move.LEFT if old else Move.ENTERED
    else:
        move = Move.UP if new > old else Move.DOWN
    reason = None if move is Move.UNCHANGED else _reason(before, after)
    return Change(line.clause, line.candidate, line.enterprise, line.name, old, new, move, reason)


def _reason(before: Line | None, after: Line | None) -> str:
    if before is None or after is None:
        return "clause"
    for kind, (figures, reason) in _STAGES.items():
        old, new = (
            [tuple(step.figures.get(figure) for figure in figures) for step in line.steps_of(kind)]
            for line in (before, after)
        )
        if old != new:
            return reason(before, after)
    return "other"


def _always(code: str) -> Callable[[Line, Line], str]:
    return lambda _before, _after: code


def _either(at: StepKind, figure: str, gained: str, lost: str, other: str) -> Callable[[Line, Line], str]:
    """`gained` when the figure becomes true, `lost` when it ceases to be."""

    def code(before: Line, after: Line) -> str:
        old, new = (any(step.figures[figure] for step in line.steps_of(at)) for line in (before, after))
        return other if old == new else (gained if new else lost)

    return code


def _ranked(before: Line, after: Line) -> str:
    """By the rule for ties where equals at the cut are judged by another one, else by rank."""
    (old, new) = ({step.figures["ties"] for step in line.steps_of(StepKind.RANK)} for line in (before, after))
    tied = any(
        step.figures["tied_at_cut"] for line in (before, after) for step in line.steps_of(StepKind.RANK)
    )
    if tied and old and new and old != new:
        return "ties"
    return _either(StepKind.RANK, "selected", "rank-in", "rank-out", "rank")(before, after)


_STAGES: Mapping[StepKind, tuple[tuple[str, ...], Callable[[Line, Line], str]]] = {
    StepKind.CONDITION: (("predicate", "ok"), _always("conditions")),
    StepKind.BASE: (("base_fen", "ok"), _always("base")),
    StepKind.RANK: (("selected",), _ranked),
    StepKind.RATE: (("rate",), _always("rate")),
    StepKind.TIER: (("above_fen", "part_fen", "rate"), _always("tiers")),
    StepKind.FLOOR: (
        ("floor_fen", "bound"),
        _either(StepKind.FLOOR, "bound", "floor", "floor-released", "floor"),
    ),
    StepKind.CAP: (("cap_fen", "bound"), _either(StepKind.CAP, "bound", "cap-bound", "cap-released", "cap")),
    StepKind.ROUND: (("mode", "to_fen", "amount_fen"), _always("rounding")),
    StepKind.STACKING: (("kept_clause", "after_fen"), _always("stacking")),
    StepKind.ENTERPRISE_CAP: (("cap_fen", "after_fen"), _always("enterprise-cap")),
    StepKind.BUDGET: (("budget_fen", "after_fen"), _always("budget")),
}
