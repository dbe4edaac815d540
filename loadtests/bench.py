"""`python -m loadtests.bench`: both sides of each ratio in one run; writes var/bench/latest.json and its curves.

Only ratios within one run count: machines differ, and the generator shares this one with what it measures. Processor
time of one request is told beside: it changes least on a busy machine.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import owner_connection
from datamarket.server.database import MarketDatabase, opened_database
from loadtests.bench_chart import chart
from loadtests.bench_cpu import Meter
from loadtests.bench_goals import COLD_START, GOALS, GROWING, GROWN, IDS, MEMORY, Figure
from loadtests.bench_growth import Growth
from loadtests.bench_stand import Sizes, Stand, start_cold, tutorial_is_there
from loadtests.bench_works import BARE, BY_ID, PAGE, TRADES, TUTORIAL, USES, Measurable, Work
from loadtests.market import ROOT, market_in
from tests.world.exchange import Exchange

FOLDER = ROOT / "var/bench"
WARM_UP_SECONDS = 0.3
CURVE_SECONDS = 1
COLD_STARTS = 3
CURVES = (BY_ID, PAGE, USES, TRADES)
AT_ONCE = (1, 2, 4, 8, 16, 32, 64)
WORKERS = (1, 2, 4)
FEW = 100
"""Below it a figure is told with its hundredths."""
QUICK = Sizes(20_000, Growth(400_000, 100_000), 100_000)
FULL = Sizes(100_000, Growth(10_000_000, 1_000_000), 1_000_000)


def main() -> int:
    wanted = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-bench-")))
        os.environ.update(market_in(folder).environment)
        os.environ.pop("DATABASE_URL", None)
        opened = stack.enter_context(opened_database())
        report = uvloop.run(_bench(opened, folder, wanted))
    report["goals"] = sorted([*report["goals"], *_yearly(wanted)], key=lambda goal: int(goal["id"][1:]))
    _write(report, "latest" if not wanted.only else f"latest-{'-'.join(wanted.only)}")
    _print(report)
    return 0 if report["books_balance"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="of each work in each round")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--full", action="store_true", help="ten million legs, a million listings")
    parser.add_argument("--only", nargs="+", choices=[*IDS, "workers"], default=[], help="these rows alone")
    return parser.parse_args()


async def _bench(opened: MarketDatabase, folder: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    started = read_clock()
    goals = [goal for goal in GOALS if not wanted.only or goal.id in wanted.only]
    names = {name for goal in goals for name in goal.needs}
    sizes = FULL if wanted.full else QUICK
    if not tutorial_is_there():
        names = {name for name in names if not name.startswith(TUTORIAL)}
    figures = await start_cold(folder, COLD_STARTS) if {COLD_START, MEMORY} & names else {}
    several = not wanted.only or "workers" in wanted.only
    curves: dict[str, Any] = {}
    with ExitStack() as stack:
        stand = Stand(opened, folder, sizes, started, stack)
        if several or names - figures.keys():
            market = await stand.set_up(names)
            figures |= stand.figures | await _rounds(stand.works, wanted)
            curves = {name: await _curve(*stand.works[name]) for name in CURVES if name in stand.works}
    workers = [row for number in WORKERS for row in await _workers(stand, market, number)] if several else []
    return {
        "at": started.isoformat(timespec="seconds"),
        "command": _command(wanted),
        "machine": await _machine(opened.url),
        "sizes": {
            "listings": sizes.listings,
            "legs": sizes.grown.legs,
            "grown_listings": sizes.grown.listings,
        },
        "figures": [_figure_row(name, figure) for name, figure in figures.items()],
        "goals": [goal.row(figures) for goal in goals if figures.keys() >= set(goal.needs)],
        "not_measured": sorted({name for goal in goals for name in goal.needs} - figures.keys()),
        "curves": curves,
        "workers": workers,
        "books_balance": await stand.books_balance(),
    }


def _command(wanted: argparse.Namespace) -> str:
    only: str = f' ONLY="{" ".join(wanted.only)}"' if wanted.only else ""
    return "make bench" + (" FULL=1" if wanted.full else "") + only


def _yearly(wanted: argparse.Namespace) -> list[dict[str, object]]:
    """P5: the run from each origin of turnover, an arm of a what-if, the grid."""
    if "P5" not in wanted.only and (wanted.only or not wanted.full):
        return []  # its market alone takes minutes
    line = [sys.executable, "-m", "loadtests.bench_year"]
    told = json.loads(subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603 - our own
    runs = told["snapshot_to_lines_seconds"].items()
    reached = {f"yearly run, turnover from {origin}, s": (seconds["clock"], 2) for origin, seconds in runs}
    reached |= {
        "what-if arm, ms": (told["what_if_arm_ms"]["clock"], 300),
        "grid of 101 × 101, s": (told["grid_101_by_101_seconds"]["clock"], 1),
    }
    beside = f"{told['sellers']:,} sellers, {told['trades']:,} trades"
    return [
        {
            "id": "P5",
            "work": work,
            "beside": beside,
            "reached": value,
            "goal": f"≤ {most}",
            "met": value <= most,
        }
        for work, (value, most) in reached.items()
    ]


async def _rounds(
    works: Mapping[str, tuple[Measurable, Meter]], wanted: argparse.Namespace
) -> dict[str, Figure]:
    """All works in every round, so that a slow minute of the machine is everybody's."""
    figures = {name: Figure() for name in works}
    for number in range(wanted.rounds):
        print(f"round {number + 1} of {wanted.rounds}, {len(works)} works", file=sys.stderr)
        for name, (work, meter) in works.items():
            if isinstance(work, Work):
                await work.measure(WARM_UP_SECONDS)
            await _add(figures[name], work, meter, wanted.seconds)
    return figures


async def _add(
    figure: Figure, work: Measurable, meter: Meter, seconds: float, connections: int | None = None
) -> None:
    before = meter.read()
    outcome = await work.measure(seconds, connections)
    taken = meter.read()
    figure.add(outcome, taken.server - before.server, taken.database - before.database)


async def _curve(work: Measurable, meter: Meter) -> list[dict[str, object]]:
    """The same work by ever more connections."""
    rows = []
    for connections in AT_ONCE:
        figure = Figure()
        await _add(figure, work, meter, CURVE_SECONDS, connections)
        rows.append({"connections": connections} | _figure_row("", figure))
    return rows


async def _workers(stand: Stand, market: Exchange, number: int) -> list[dict[str, object]]:
    """What more workers make of it; one after the other, as each takes the whole machine."""
    rows = []
    with stand.workers(market, number) as works:
        for name in (BARE, *CURVES):
            work, meter = works[name]
            figure = Figure()
            await work.measure(WARM_UP_SECONDS)
            await _add(figure, work, meter, CURVE_SECONDS)
            rows.append({"workers": number} | _figure_row(name, figure))
    return rows


async def _machine(url: str) -> dict[str, object]:
    async with owner_connection(url) as connection:
        shown = [
            await connection.fetchval(f"SHOW {name}")
            for name in ("server_version", "fsync", "synchronous_commit")
        ]
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": shown[0],
        "fsync": shown[1],
        "synchronous_commit": shown[2],
    }


def _figure_row(name: str, figure: Figure) -> dict[str, object]:
    return {
        "work": name,
        "value": round(figure.value, 2 if figure.value < FEW else None),
        "rounds": [round(rate, 2) for rate in figure.rounds],
        "p50_ms": _median(figure.p50_ms),
        "p99_ms": _median(figure.p99_ms),
        "server_us": _median(figure.server_us),
        "database_us": _median(figure.database_us),
    }


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 1) if values else None


def _write(report: Mapping[str, Any], name: str) -> None:
    """The report, and its curves as pictures: by connections, and by the size of the market."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, indent=2)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    drawn: dict[str, tuple[str, dict[str, Any]]] = {
        figure: (
            f"{unit}, by connections",
            {
                work: [(row["connections"], row[figure]) for row in rows]
                for work, rows in report["curves"].items()
            },
        )
        for figure, unit in (("value", "a second"), ("p50_ms", "p50, ms"), ("p99_ms", "p99, ms"))
    }
    rates = {row["work"]: row["value"] for row in report["figures"]}
    sizes = report["sizes"]["listings"], report["sizes"]["grown_listings"]
    grown = {
        work: list(zip(sizes, (rates[work], rates[work + GROWN]), strict=True))
        for work in GROWING
        if work + GROWN in rates
    }
    drawn["growth"] = f"a second, by listings; grown to {report['sizes']['legs']:,} legs too", grown
    for figure, (title, series) in drawn.items():
        if series:
            (FOLDER / f"{figure}.svg").write_text(chart(title, series), encoding="utf-8")


def _print(report: Mapping[str, Any]) -> None:
    """The figures, then each goal with its limit, its rival, and whether it is met."""
    console = Console()
    console.print(f"{report['at']}  {report['command']}  {report['machine']}")
    for title in ("figures", "workers", "goals"):
        rows = report[title]
        table = Table(title=title, title_justify="left")
        for heading in rows[0] if rows else ():
            table.add_column(heading)
        for row in rows:
            table.add_row(*("-" if value is None else str(value) for value in row.values()))
        console.print(table)
    if report["not_measured"]:
        console.print("not measured: " + ", ".join(report["not_measured"]))
    console.print("books balance" if report["books_balance"] else "[red]the books do not balance")


if __name__ == "__main__":
    sys.exit(main())
