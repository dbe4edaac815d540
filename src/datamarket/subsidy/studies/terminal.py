"""What the commands print: awards, those below the cut, refusals, runs and comparisons, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datamarket.foundation.money import yuan
from datamarket.subsidy.runs.terms import RunState
from datamarket.subsidy.terms import ChangeReason

REFUSED_SHOWN = 20
BELOW_CUT_SHOWN = 15
WHOLE_LIST = "全部见 the whole list: --json, --xlsx"

AwardLine = Mapping[str, Any]


def print_document(document: Mapping[str, Any]) -> None:
    """The awards, who came next, why others got none, and what must be known beside the figures."""
    console = Console()
    lines: Sequence[AwardLine] = document["lines"]
    title = f"{document['scheme']} · {document['year']}"
    console.print(_table([line for line in lines if line["amount_fen"] > 0], title))
    _print_below_cut(console, [line for line in lines if line["status"] == "not_selected"])
    _print_refused(console, [line for line in lines if line["status"] in {"ineligible", "held", "displaced"}])
    for note in document["notes"]:
        console.print(f"提示 note: {note['zh']} / {note['en']}", markup=False, soft_wrap=True)
    console.print(f"合计 total {yuan(document['total_fen'], grouped=True)} 元 CNY", markup=False)
    console.print(f"result sha256 {document['result_sha256']}", markup=False)


def _print_below_cut(console: Console, lines: Sequence[AwardLine]) -> None:
    if lines:
        console.print(_table(lines[:BELOW_CUT_SHOWN], "未入选 · not selected"))
    _print_rest(console, len(lines) - BELOW_CUT_SHOWN)


def _print_refused(console: Console, lines: Sequence[AwardLine]) -> None:
    for line in lines[:REFUSED_SHOWN]:
        told = f"{line['clause']} · {line['candidate']} {line['name']}: {line['explanation']['zh']}"
        console.print(told, markup=False)
    _print_rest(console, len(lines) - REFUSED_SHOWN)


def _print_rest(console: Console, count: int) -> None:
    if count > 0:
        console.print(f"… 另有 {count} 项未列出 more; {WHOLE_LIST}", markup=False)


def _table(lines: Sequence[AwardLine], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("条款 clause", "对象 candidate", "名称 name"):
        table.add_column(heading, overflow="fold")
    for heading in ("排名 rank", "基数 base", "比例 rate", "金额 award"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(
            escape(line["clause"]),
            escape(line["candidate"]),
            escape(line["name"]),
            str(line["rank"] or ""),
            yuan(line["base_fen"], grouped=True) if line["base_fen"] is not None else "",
            (line["rate"] or "") + (" ≤ cap" if line["cap_bound"] else ""),
            yuan(line["amount_fen"], grouped=True),
        )
    return table


def print_runs(runs: Sequence[Mapping[str, Any]]) -> None:
    """One run a line, newest first, whole ids: they are copied into other commands."""
    for run in runs:
        zh, en = RunState(run["state"]).labels
        total = "" if run["total_fen"] is None else f"{yuan(run['total_fen'], grouped=True)} 元 CNY"
        told = f"{run['id']}  {run['scheme']}  {run['year']}  {zh} {en}  {total}"
        Console().print(told.rstrip(), markup=False, soft_wrap=True, highlight=False)
    if not runs:
        Console().print("没有运行 no runs", markup=False)


def print_comparison(figures: Mapping[str, Any]) -> None:
    """Totals in yuan, and each award that moves with its reason in words."""
    console = Console()
    console.print("测算 what-if: not an award（元 CNY）", markup=False)
    for name, label in (
        ("before_fen", "测算前 before"),
        ("after_fen", "测算后 after "),
        ("delta_fen", "增减   change"),
    ):
        console.print(f"{label} {yuan(figures[name], grouped=True):>18}", markup=False)
    if figures["notice"]:
        console.print("该变更不影响任何奖补 no award changes (no-effect)", markup=False)
    for change in figures["changes"]:
        if change["move"] != "unchanged":
            before, after = yuan(change["before_fen"], grouped=True), yuan(change["after_fen"], grouped=True)
            why = " ".join(ChangeReason(change["reason"]).labels)
            told = f"{change['clause']} · {change['candidate']} {change['name']}: {before} → {after}（{why}）"
            console.print(told, markup=False)


def print_answer(answer: Mapping[str, Any]) -> None:
    """What was found of each thing that was asked; a grid is read in its file."""
    console = Console()
    if answer["comparison"]:
        print_comparison(answer["comparison"])
    if met := answer["meeting"]:
        console.print(
            f"满足预算的比例 rate within {yuan(met['budget_fen'], grouped=True)}: {met['rate']}", markup=False
        )
        console.print(
            f"其费用 its cost {yuan(met['cost_fen'], grouped=True)}；恰好 exact {met['binds_at']}",
            markup=False,
        )
    for point in (answer["curve"] or {"points": ()})["points"]:
        cost = "-" if point["total_fen"] is None else yuan(point["total_fen"], grouped=True)
        console.print(f"{point['value']:>16} {cost:>20}  {point['recipients']}", markup=False)
    for kink in (answer["curve"] or {}).get("kinks") or ():
        told = f"拐点 kink {kink['percent']} = {kink['rate']}: {kink['name']} {kink['effect']}"
        console.print(told, markup=False)
    if answer["grid"]:
        console.print(
            f"网格 grid {len(answer['grid']['rates'])} × {len(answer['grid']['caps'])}: --json, --out",
            markup=False,
        )


def print_outcomes(outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Each case as passed, or with what was expected beside what was found and why."""
    table = Table(title="算例 · cases", title_justify="left")
    for heading in ("算例 case", "结果 result", "项 figure", "应为 expected", "实为 found", "原因 reason"):
        table.add_column(heading, overflow="fold")
    for outcome in outcomes:
        if not outcome["differences"]:
            table.add_row(escape(outcome["name"]), "通过 passed")
        for one in outcome["differences"]:
            cells = (one["what"][0], one["expected"], one["found"], "\n".join(filter(None, one["reason"])))
            table.add_row(escape(outcome["name"]), "不符 failed", *map(escape, cells))
    console = Console()
    console.print(table)
    failed = sum(bool(outcome["differences"]) for outcome in outcomes)
    passed = len(outcomes) - failed
    console.print(f"通过 passed {passed} · 不符 failed {failed}", markup=False, highlight=False)
