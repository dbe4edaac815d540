"""The answer to a question as one document of texts and whole numbers, from scheme and snapshot alone; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from datamarket.foundation.money import percent, yuan
from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.questions.asking import value_text
from datamarket.subsidy.questions.curve import Meeting, RatedClause, around, meeting_of, points_of
from datamarket.subsidy.questions.terms import (
    STUDY_FORMAT,
    WATERMARK,
    GridAsked,
    MeetAsked,
    Question,
    RangeAsked,
    percent_read,
)
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.comparison import check_values
from datamarket.subsidy.studies.grid import Cell
from datamarket.subsidy.studies.reform import Reformed, reformed
from datamarket.subsidy.studies.whatif import Move, WhatIf, compare
from datamarket.subsidy.terms import ChangeReason, Line, Result, Snapshot

NEAR = 5
"""Ranks shown beyond the cut: those whom a small change would reach."""
RATE_PATH = "rate"


def answer_of(
    scheme: Scheme, scheme_sha256: str, snapshot: Snapshot, year: int, question: Question
) -> dict[str, Any]:
    """What was asked, of what, and what follows. Raises what the parts of a question raise."""
    arm = (
        reformed(scheme, snapshot, question.changes, year) if question.changes else Reformed(scheme, snapshot)
    )
    found: dict[str, Any] = {"comparison": None, "ranks": [], "curve": None, "grid": None, "meeting": None}
    if question.changes:
        baseline, reform = evaluate(scheme, snapshot, year), evaluate(arm.scheme, arm.snapshot, year)
        comparison = compare(baseline, reform, left_out=arm.left_out, base_reason=arm.base_reason)
        found["comparison"] = _compared(WhatIf(baseline, reform, comparison))
        found["ranks"] = _ranks(baseline, reform)
    match question.over:
        case RangeAsked() as asked:
            found["curve"] = _ranged(arm, year, asked)
        case GridAsked() as asked:
            check_values(arm.scheme, year, asked.clause, asked.rates, asked.caps)
            cells = RatedClause(arm, year, asked.clause).cells(asked.rates, asked.caps)
            found["grid"] = _gridded(asked, cells)
        case MeetAsked() as asked:
            ground, meeting = meeting_of(arm, year, asked)
            found["meeting"] = _met(meeting, asked)
            drawn = tuple(around(meeting, asked.step))
            met = [row[0] for row in ground.cells(drawn)]
            found["curve"] = _curve(ground, f"{asked.clause}.{RATE_PATH}", drawn, met)
    return {
        "format": STUDY_FORMAT,
        "watermark": WATERMARK,
        "scheme": scheme.id,
        "titles": {clause.id: clause.title.model_dump() for clause in scheme.clauses},
        "year": year,
        "scheme_sha256": scheme_sha256,
        "snapshot_sha256": snapshot.sha256,
        "engine_id": engine.engine_id(),
        "question": question.stated,
        **found,
    }


def _compared(arms: WhatIf) -> dict[str, Any]:
    """Everyone who is paid on either side, the largest change first; sums and counts cover all."""
    shown = [change for change in arms.comparison.changes if change.before_fen or change.after_fen]
    shown.sort(key=lambda change: -abs(change.after_fen - change.before_fen))
    changes = []
    for change in shown:
        zh, en = ChangeReason(change.reason).labels if change.reason else ("", "")
        changes.append(asdict(change) | {"reason_zh": zh, "reason_en": en})
    told = arms.comparison.to_json() | {"changes": changes}
    return told | {"reform_sha256": arms.reform.sha256, "notice": _notice(arms)}


def _notice(arms: WhatIf) -> dict[str, str] | None:
    if any(change.move is not Move.UNCHANGED for change in arms.comparison.changes):
        return None
    zh, en = "所作改动在该年度不影响任何奖补", "the change moves no award of the year"
    return {"code": "no-effect", "zh": zh, "en": en}


def _ranks(baseline: Result, reform: Result) -> list[dict[str, Any]]:
    """Those near the cut or above it in either arm, by their rank before, then after."""
    before, after = (
        {(line.clause, line.candidate): line for line in result.lines if line.rank is not None}
        for result in (baseline, reform)
    )
    last = {
        clause: NEAR + max(_rank(line) for line in both if line.clause == clause and _chosen(line))
        for both in [[*before.values(), *after.values()]]
        for clause in {line.clause for line in both if _chosen(line)}
    }
    rows = []
    for key, line in (before | after).items():
        old, new = before.get(key), after.get(key)
        if min(_rank(old), _rank(new)) <= last.get(line.clause, 0):
            rows.append(
                {"clause": line.clause, "candidate": line.candidate, "name": line.name, **_sides(old, new)}
            )
    rows.sort(key=lambda row: (row["clause"], row["rank_before"] or 10**9, row["rank_after"] or 10**9))
    return rows


def _rank(line: Line | None) -> int:
    return 10**9 if line is None or line.rank is None else line.rank


def _chosen(line: Line) -> bool:
    return line.amount_fen > 0


def _sides(old: Line | None, new: Line | None) -> dict[str, Any]:
    return {
        f"{figure}_{side}": getattr(line, name) if line else None
        for side, line in (("before", old), ("after", new))
        for figure, name in (("rank", "rank"), ("base_fen", "base_fen"), ("award_fen", "amount_fen"))
    }


def _ranged(arm: Reformed, year: int, asked: RangeAsked) -> dict[str, Any]:
    ground, cells = points_of(arm, year, asked)
    return _curve(ground, asked.path, asked.values, cells)


def _curve(
    ground: RatedClause, path: str, values: Sequence[Fraction | int], cells: Sequence[Cell]
) -> dict[str, Any]:
    over_rate = path.endswith(f".{RATE_PATH}")
    kinks = ground.kinks(Fraction(values[0]), Fraction(values[-1])) if over_rate else []
    return {
        "path": path,
        "points": [
            {"value": value_text(path, value), **asdict(cell)}
            for value, cell in zip(values, cells, strict=True)
        ],
        "kinks": None if kinks is None else [kink.to_json() for kink in kinks],
    }


def _gridded(asked: GridAsked, cells: Sequence[Sequence[Cell]]) -> dict[str, Any]:
    """`affordable` is for each cap the largest rate of those asked at which the budget suffices; null where none is."""
    columns = range(len(asked.caps))
    affordable: list[str | None] = []
    for column in columns if asked.budget_fen is not None else ():
        within = [row for row, line in enumerate(cells) if _within(line[column].total_fen, asked.budget_fen)]
        affordable.append(percent(asked.rates[within[-1]]) if within else None)
    figures: Mapping[str, Any] = {
        name: [[getattr(cell, name) for cell in row] for row in cells]
        for name in ("total_fen", "recipients", "cap_bound")
    }
    rates, caps = [percent(rate) for rate in asked.rates], [yuan(cap) for cap in asked.caps]
    return {"clause": asked.clause, "rates": rates, "caps": caps, **figures, "affordable": affordable}


def _within(cost: int | None, budget: int | None) -> bool:
    return cost is not None and budget is not None and cost <= budget


def _met(meeting: Meeting, asked: MeetAsked) -> dict[str, Any]:
    exact = meeting.exact
    return {
        "budget_fen": asked.budget_fen,
        "rate": percent(meeting.rate),
        "cost_fen": meeting.cost_fen,
        "next_rate": None if meeting.next_rate is None else percent(meeting.next_rate),
        "next_cost_fen": meeting.next_cost_fen,
        "binds_at": None if exact is None else str(exact),
        "binds_at_percent": None if exact is None else percent_read(exact),
    }
