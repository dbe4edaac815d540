"""From what was typed to a question: one at a time, its values exact."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.foundation.money import parse_rate, parse_yuan, percent, yuan
from datamarket.subsidy.questions.terms import Asked, GridAsked, MeetAsked, Question, RangeAsked

FINEST = "0.01%"
"""The step of a rate where none is asked: a hundredth of a percentage point, as schemes are written."""
MOST_VALUES = 101
"""On either axis: from 0 % to 1 % by hundredths, both ends included."""


class QuestionUnclear(Invalid):
    code = "subsidy.question-unclear"
    zh = "测算问题不明确：{problem_zh}。"
    en = "The question is not clear: {problem_en}."


def read_question(stated: Mapping[str, Any]) -> Question:
    """`set`, and of `range`, `grid` and `meet` at most one. Raises QuestionUnclear."""
    changes = dict(stated.get("set") or {})
    kinds = [kind for kind in READERS if stated.get(kind) is not None]
    if len(kinds) > 1 or not (kinds or changes):
        zh = "请给出 set，或 range、grid、meet 之一；后三者一次只能问一个"
        raise QuestionUnclear(
            problem_zh=zh, problem_en="give set, or one of range, grid and meet; of these one at a time"
        )
    asked: Asked | None = None
    try:
        for kind in kinds:
            asked = READERS[kind](stated[kind])
    except (ValueError, KeyError, TypeError) as error:
        zh, en = f"无法读取 {kinds[0]}（{error}）", f"{kinds[0]} cannot be read ({error})"
        raise QuestionUnclear(problem_zh=zh, problem_en=en) from None
    return Question(changes, asked, {"set": changes, **_said(asked)})


def typed(changes: Mapping[str, Any], over: str | None, grid: str | None, meet: str | None) -> dict[str, Any]:
    """The same question as words of a command: `PATH=FIRST:STEP:COUNT`, `CLAUSE=RATES,CAPS[,BUDGET]`, `CLAUSE=BUDGET[:STEP]`."""
    stated: dict[str, Any] = {"set": dict(changes)}
    if over is not None:
        path, _, axis = over.partition("=")
        stated["range"] = {"path": path, **_axis(axis)}
    if grid is not None:
        clause, _, parts = grid.partition("=")
        rates, caps, budget = (*parts.split(","), "", "")[:3]
        stated["grid"] = {
            "clause": clause,
            "rates": _axis(rates),
            "caps": _axis(caps),
            "budget": budget or None,
        }
    if meet is not None:
        clause, _, parts = meet.partition("=")
        budget, _, step = parts.partition(":")
        stated["meet"] = {"clause": clause, "budget": budget, "step": step or FINEST}
    return stated


def _axis(text: str) -> dict[str, str]:
    return dict(zip(("first", "step", "count"), text.split(":"), strict=False))


def _steps(axis: Mapping[str, Any], read: Any) -> tuple[Any, ...]:
    first, step, count = read(str(axis["first"])), read(str(axis["step"])), int(axis["count"])
    if not 1 <= count <= MOST_VALUES or (step <= 0 and count > 1):
        message = f"{count} × {axis['step']}"
        raise ValueError(message)
    return tuple(first + place * step for place in range(count))


def _range(asked: Mapping[str, Any]) -> RangeAsked:
    path = str(asked["path"])
    read = parse_rate if path.endswith(".rate") else int if path.endswith(".top") else parse_yuan
    return RangeAsked(path, _steps(asked, read))


def _grid(asked: Mapping[str, Any]) -> GridAsked:
    budget = asked.get("budget")
    rates, caps = _steps(asked["rates"], parse_rate), _steps(asked["caps"], parse_yuan)
    return GridAsked(str(asked["clause"]), rates, caps, None if budget is None else parse_yuan(budget))


def _meet(asked: Mapping[str, Any]) -> MeetAsked:
    step = parse_rate(asked["step"])
    if step <= 0:
        raise ValueError(asked["step"])
    return MeetAsked(str(asked["clause"]), parse_yuan(asked["budget"]), step)


READERS: Mapping[str, Callable[[Mapping[str, Any]], Asked]] = {"range": _range, "grid": _grid, "meet": _meet}


def _said(asked: Asked | None) -> dict[str, Any]:
    """The same in one spelling: 1.50% and 1.5% are one question."""
    if isinstance(asked, RangeAsked):
        return {
            "range": {"path": asked.path, "values": [value_text(asked.path, value) for value in asked.values]}
        }
    if isinstance(asked, GridAsked):
        budget = None if asked.budget_fen is None else yuan(asked.budget_fen)
        rates, caps = [percent(rate) for rate in asked.rates], [yuan(cap) for cap in asked.caps]
        return {"grid": {"clause": asked.clause, "rates": rates, "caps": caps, "budget": budget}}
    if isinstance(asked, MeetAsked):
        budget, step = yuan(asked.budget_fen), percent(asked.step)
        return {"meet": {"clause": asked.clause, "budget": budget, "step": step}}
    return {}


def value_text(path: str, value: Fraction | int) -> str:
    """A rate in percent, a cap in yuan, or how many places."""
    if path.endswith(".rate"):
        return percent(Fraction(value))
    return yuan(int(value)) if path.endswith(".cap") else str(value)
