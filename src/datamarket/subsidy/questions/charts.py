"""Charts of a study as Vega-Lite documents, labelled in both languages; drawn only: no figure is read back from one."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from datamarket.foundation.money import FEN_PER_YUAN, parse_rate

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
FONTS = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, Noto Serif CJK SC, sans-serif"
"""Whichever of these the reader's machine has, or for PNG the one that draws: docs/subsidy.md."""
MOST_BARS = 30
"""Enterprises drawn beside one another: what a page shows apart. The table holds all."""
MOST_CELLS = 41
"""Of either axis of a heat map: above it each second, third … value is drawn."""
WIDTH, HEIGHT = 560, 320
BEFORE, AFTER = "测算前 before", "测算后 after"
Spec = dict[str, Any]


def chart_of(answer: Mapping[str, Any], sha256: str) -> Spec:
    """What was asked, as one picture with the watermark and the digest of its study."""
    marked = answer["watermark"]
    told = f"{marked['zh']} · {marked['en']} · {answer['scheme']} {answer['year']} · sha256 {sha256[:16]}…"
    return {
        "$schema": SCHEMA,
        "config": {"font": FONTS, "axis": {"labelLimit": 240}},
        "title": {"text": "测算 study", "subtitle": told},
        "vconcat": list(_parts(answer)),
        "resolve": {"scale": {"color": "independent"}},
    }


def _parts(answer: Mapping[str, Any]) -> Iterator[Spec]:
    if answer["comparison"] is not None:
        yield _dumbbell(answer["comparison"]["changes"])
    for clause in sorted({row["clause"] for row in answer["ranks"]}):
        yield _ranked([row for row in answer["ranks"] if row["clause"] == clause], answer["titles"][clause])
    if answer["curve"] is not None:
        yield _curve(answer["curve"], answer["meeting"])
    if answer["grid"] is not None:
        yield _heat(answer["grid"])


def _yuan(fen: int | None) -> float | None:
    return None if fen is None else fen / FEN_PER_YUAN


def _part(title: str, rows: Sequence[Mapping[str, Any]], *layers: Spec, **more: Any) -> Spec:
    return {
        "title": title, "width": WIDTH, "height": HEIGHT, "data": {"values": list(rows)}, "layer": list(layers), **more,
    }  # fmt: skip


def _axis(field: str, title: str, kind: str = "quantitative", **more: Any) -> Spec:
    return {"field": field, "type": kind, "title": title, **more}


_SIDE = {
    "field": "side",
    "type": "nominal",
    "title": None,
    "scale": {"domain": [BEFORE, AFTER], "range": ["#9aa5b1", "#c0392b"]},
}


def _dumbbell(changes: Sequence[Mapping[str, Any]]) -> Spec:
    """Each award that changes, before and after, those that change most first; where none does, the first of all."""
    moved = [change for change in changes if change["before_fen"] != change["after_fen"]]
    shown, rows = moved or changes, []
    for place, change in enumerate(shown[:MOST_BARS], start=1):
        name = f"{place}. {change['name'] or change['candidate']}"
        for side, figure in ((BEFORE, "before_fen"), (AFTER, "after_fen")):
            rows.append({"name": name, "side": side, "award": _yuan(change[figure])})
    of, award = _axis("name", "", "nominal", sort=None), _axis("award", "奖补（元） award (yuan)")
    line = {"mark": {"type": "line", "color": "#ccd1d9"}, "encoding": {"y": of, "x": award, "detail": of}}
    dots = {
        "mark": {"type": "point", "filled": True, "size": 60},
        "encoding": {"y": of, "x": award, "color": _SIDE},
    }
    title = "有变动的奖补 · awards that change" if moved else "奖补均无变动 · no award changes"
    if len(shown) > MOST_BARS:
        title = f"变动最大的 {MOST_BARS} 项 · the {MOST_BARS} that change most" if moved else title
    return _part(title, rows, line, dots, height={"step": 18})


def _ranked(ranks: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> Spec:
    """The base by rank in either arm, and where the cut lies: between the last that is paid and the next."""
    rows = [
        {"rank": row[f"rank_{arm}"], "base": _yuan(row[f"base_fen_{arm}"]), "side": side, "name": row["name"]}
        for row in ranks
        for arm, side in (("before", BEFORE), ("after", AFTER))
        if row[f"rank_{arm}"] is not None
    ]
    cuts = [
        {"cut": (2 * max(paid) + 1) / 2, "side": side}
        for arm, side in (("before", BEFORE), ("after", AFTER))
        if (paid := [row[f"rank_{arm}"] for row in ranks if row[f"award_fen_{arm}"]])
    ]
    points = {
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _axis("rank", "名次 rank", axis={"tickMinStep": 1, "format": "d"}),
            "y": _axis("base", "计奖基数（元） base (yuan)"),
            "color": _SIDE,
        },
    }
    cut = {
        "data": {"values": cuts},
        "mark": {"type": "rule", "strokeDash": [5, 4]},
        "encoding": {"x": _axis("cut", "名次 rank"), "color": _SIDE},
    }
    return _part(f"{titles['zh']} · {titles['en']}：入围线 the cut", rows, points, cut)


_AXES = {"rate": "比例（%） rate (%)", "cap": "上限（元） cap (yuan)", "select.top": "名额 places"}


def _curve(curve: Mapping[str, Any], meeting: Mapping[str, Any] | None) -> Spec:
    """The cost over the parameter, a point at each kink, and the budget with the rate that meets it."""
    parameter = curve["path"].partition(".")[2]
    scale = {"zero": False}
    value, cost = (
        _axis("value", _AXES[parameter], scale=scale),
        _axis("cost", "合计（元） total (yuan)", scale=scale),
    )
    rows = [{"value": _place(point["value"]), "cost": _yuan(point["total_fen"])} for point in curve["points"]]
    layers: list[Spec] = [
        {"mark": {"type": "line", "point": parameter != "rate"}, "encoding": {"x": value, "y": cost}}
    ]
    if curve["kinks"]:
        turns = [{"value": _place(kink["rate"]) * 100} for kink in curve["kinks"]]
        mark = {"type": "rule", "color": "#e0a800", "strokeDash": [2, 3]}
        layers.append({"data": {"values": turns}, "mark": mark, "encoding": {"x": value}})
    if meeting is not None:
        budget = [{"value": _place(meeting["rate"]), "cost": _yuan(meeting["budget_fen"])}]
        rule = {"type": "rule", "color": "#c0392b"}
        layers.append({"data": {"values": budget}, "mark": rule, "encoding": {"y": cost}})
        point = {"type": "point", "color": "#c0392b", "size": 90, "filled": True}
        layers.append({"data": {"values": budget}, "mark": point, "encoding": {"x": value, "y": cost}})
    return _part("费用曲线（虚线为拐点） · cost, with its kinks", rows, *layers)


def _place(text: str) -> Any:
    """A rate in percent as it is read, an amount, a number of places or an exact fraction."""
    exact = parse_rate(text) * 100 if text.endswith("%") else Fraction(text)
    return exact.numerator / exact.denominator


def _heat(grid: Mapping[str, Any]) -> Spec:
    """The cost of each pair, and the line of the largest rate that the budget affords at each cap."""
    rates, caps = grid["rates"], grid["caps"]
    down, across = -(-len(rates) // MOST_CELLS), -(-len(caps) // MOST_CELLS)
    cells = [
        {"rate": rates[row], "cap": caps[column], "cost": _yuan(grid["total_fen"][row][column])}
        for row in range(0, len(rates), down)
        for column in range(0, len(caps), across)
    ]
    shown = set(range(0, len(rates), down))
    cap = _axis("cap", "上限（元） cap (yuan)", "ordinal", sort=None)
    rate = _axis("rate", "比例 rate", "ordinal", sort=None)
    heat = {
        "mark": "rect",
        "encoding": {
            "x": cap,
            "y": rate,
            "color": _axis("cost", "合计（元） total (yuan)", scale={"scheme": "blues"}),
        },
    }
    line = {
        "data": {"values": [
            {"cap": caps[column], "rate": rates[max(row for row in shown if row <= rates.index(largest))]}
            for column, largest in enumerate(grid["affordable"])
            if largest is not None and column % across == 0
        ]},
        "mark": {"type": "line", "color": "#c0392b", "interpolate": "step", "point": True},
        "encoding": {"x": cap, "y": rate},
    }  # fmt: skip
    return _part(
        "比例×上限（红线：预算内的最大比例） · rate × cap, in red what the budget affords", cells, heat, line
    )
