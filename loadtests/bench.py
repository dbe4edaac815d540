"""`python -m loadtests.bench`: both sides of each ratio in one run; writes var/bench/latest.json.

Only ratios within one run count: machines differ, and the generator shares this one with what it measures.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.checks import check_books
from datamarket.server.database import MarketDatabase, opened_database
from datamarket.server.sealing import sealer_of
from loadtests import bench_seal, wire
from loadtests.bench_growth import Growth, copy_of, grow_database
from loadtests.bench_works import BATCH, BATCHING, CONNECTIONS, Works
from loadtests.market import ROOT, market_in
from loadtests.pgbench import PgBench
from tests.world.exchange import exchange

LATEST = ROOT / "var/bench/latest.json"
WARM_UP_SECONDS = 0.3
ONE_ENTRY, MANY_SALES = "pgbench: one bare entry a statement", "pgbench: 1,000 whole sales a statement"


@dataclass
class Figure:
    """One work: the rate of every round, and the latencies of the last."""

    rounds: list[float] = field(default_factory=list)
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def per_second(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    def add(self, measured: wire.Measured, each: int = 1) -> None:
        self.rounds.append(measured.per_second * each)
        self.p50_ms, self.p99_ms = measured.percentile_ms(0.50), measured.percentile_ms(0.99)


Figures = Mapping[str, Figure]


@dataclass(frozen=True)
class Goal:
    """A ratio that should be at least so much."""

    id: str
    text: str
    ratio: Callable[[Figures], float]
    least: float


def _rates(of: str, to: str) -> Callable[[Figures], float]:
    return lambda figures: figures[of].per_second / figures[to].per_second


def _steadiness(figures: Figures) -> float:
    trades = figures[TRADES]
    return (trades.p50_ms or 0) / (trades.p99_ms or 1)


def _sealing(figures: Figures) -> float:
    return figures[SEALED].per_second * SEALED_SHARE / figures[BATCHES].per_second


def _verifying(figures: Figures) -> float:
    return figures[LEAVES_VERIFIED].per_second / VERIFIED


BARE, BY_ID, PAGE, TRADES = "bare FastAPI answer", "listing by id", "first page of 20", "single trades"
BATCHES, DEEP, TEXT = "trades in batches of 1,000", "deep page of 20", "text search"
GROWN = ", grown market"
GROWING = (TRADES, PAGE, DEEP, TEXT)
SEALED, LEAVES_VERIFIED = "trades sealed by one core", "leaves verified"
LEAVES_OF_A_TRADE = 2
SEALED_SHARE = 0.15
"""Of a core, at most, for sealing what P2 records."""
VERIFIED = 200_000
"""Leaves a second, at least."""
GOALS = (
    Goal("P1", "single durable trades ÷ pgbench", _rates(TRADES, ONE_ENTRY), 0.6),
    Goal("P1", "single trades: p50 ÷ p99", _steadiness, 0.25),
    Goal("P2", "batches ÷ pgbench", _rates(BATCHES, MANY_SALES), 0.7),
    Goal("P3", "listing by id ÷ bare FastAPI", _rates(BY_ID, BARE), 0.35),
    Goal("P3", "304 ÷ bare FastAPI", _rates("listing not changed (304)", BARE), 0.6),
    Goal("P3", "deep page ÷ first page", _rates(DEEP, PAGE), 1 / 1.3),
    Goal("P3", "text search ÷ first page", _rates(TEXT, PAGE), 0.5),
    Goal("P4", "uses of 32 contracts ÷ bare FastAPI", _rates("uses of 32 contracts", BARE), 0.3),
    Goal("P4", "uses of one contract ÷ of 32", _rates("uses of one contract", "uses of 32 contracts"), 0.8),
    Goal("P6", "single trades, grown ÷ small market", _rates(TRADES + GROWN, TRADES), 0.8),
    Goal("P6", "first page, grown ÷ small market", _rates(PAGE + GROWN, PAGE), 0.8),
    Goal("P6", "deep page, grown ÷ small market", _rates(DEEP + GROWN, DEEP), 0.8),
    Goal("P6", "text search, grown ÷ small market", _rates(TEXT + GROWN, TEXT), 0.8),
    Goal("P9", "sealing with 15 % of a core ÷ batches", _sealing, 1),
    Goal("P9", "leaves verified ÷ 200,000 a second", _verifying, 1),
)


def main() -> int:
    wanted = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-bench-")))
        os.environ.update(market_in(folder).environment)
        os.environ.pop("DATABASE_URL", None)
        opened = stack.enter_context(opened_database())
        report = uvloop.run(_bench(opened, folder, wanted))
    LATEST.parent.mkdir(parents=True, exist_ok=True)
    LATEST.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if wanted.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print(report)
    return 0 if report["books_balance"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of each work in each round")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--listings", type=int, default=10_000)
    parser.add_argument("--grown-listings", type=int, default=1_000_000)
    parser.add_argument("--grown-legs", type=int, default=10_000_000)
    parser.add_argument("--sealed-trades", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser.parse_args()


async def _bench(opened: MarketDatabase, folder: Path, wanted: argparse.Namespace) -> dict[str, object]:
    started = read_clock()
    ledger_id = opened.settings.ledger_id
    database = await Database(opened.url, 4).open()
    try:
        market = await exchange(database, listings=wanted.listings, buyers=CONNECTIONS, now=started)
    finally:
        await database.close()
    alone = PgBench(opened.url, folder, ledger_id, market, started)
    await alone.prepare()
    large_url = await copy_of(opened.url, f"{opened.name}_grown")
    sealed_url = await copy_of(opened.url, f"{opened.name}_sealed")
    fresh = PgBench(sealed_url, folder, ledger_id, market, started)
    await fresh.prepare()
    sealed = opened.settings.model_copy(update={"var": folder / "sealed"})
    figures = await _seal_and_verify(sealed_url, sealed, fresh, wanted.sealed_trades)
    growth = Growth(wanted.grown_legs, wanted.grown_listings)
    await grow_database(large_url, alone, growth, listings=wanted.listings)
    apart = {
        "var": folder / "grown",
        "signing_key": folder / "signing-key.pem",
    }  # another log, the same callers
    await _seal(large_url, opened.settings.model_copy(update=apart))
    keeper = TokenKeeper(load_key(opened.settings), opened.settings)
    small = market_in(folder, DATABASE_URL=opened.url)
    more = {f"DATAMARKET_{name.upper()}": str(path) for name, path in apart.items()}
    large = market_in(folder, DATABASE_URL=large_url, **more)
    with small.serving() as port, large.serving() as large_port, small.serving_bare() as bare_port:
        works = Works(port, bare_port, market, keeper, listings=wanted.listings)
        grown_works = Works(large_port, bare_port, market, keeper, listings=growth.listings)
        figures |= await _rounds(works, grown_works, alone, wanted)
    findings = [await check_books(url, ledger_id) for url in (opened.url, large_url)]
    return {
        "at": started.isoformat(timespec="seconds"),
        "command": " ".join(["python -m loadtests.bench", *sys.argv[1:]]),
        "machine": await _machine(opened.url),
        "listings": wanted.listings,
        "grown": {"legs": growth.legs, "listings": growth.listings},
        "connections": CONNECTIONS,
        "figures": [_figure_row(name, figure) for name, figure in figures.items()],
        "goals": [_goal_row(goal, figures) for goal in GOALS],
        "books_balance": all(finding.holds for found in findings for finding in found),
    }


async def _seal_and_verify(url: str, settings: Settings, alone: PgBench, sales: int) -> dict[str, Figure]:
    """Sales just recorded, as a sealer finds them; a trade is two leaves, its entry and its audit event."""
    for _ in range(-(-sales // (BATCH * BATCH))):
        alone.run(clients=BATCHING, transactions=min(sales // BATCH, BATCH) // BATCHING, sales=BATCH)
    sealed = await _seal(url, settings)
    verified = await bench_seal.verify_all(url, sealer_of(settings))
    return {
        SEALED: Figure([1e6 / (LEAVES_OF_A_TRADE * sealed.cpu_microseconds_a_leaf)]),
        LEAVES_VERIFIED: Figure([verified.per_second]),
    }


async def _seal(url: str, settings: Settings) -> bench_seal.Rate:
    database = await Database(url, 1).open()
    try:
        return await bench_seal.seal(database, sealer_of(settings))
    finally:
        await database.close()


async def _rounds(
    works: Works, grown_works: Works, alone: PgBench, wanted: argparse.Namespace
) -> dict[str, Figure]:
    """All works in every round, so that a slow minute of the machine is everybody's."""
    await works.prepare()
    await grown_works.prepare()
    by_name = dict(works.by_name)
    by_name |= {name + GROWN: work for name, work in grown_works.by_name.items() if name in GROWING}
    figures = {name: Figure() for name in (*by_name, ONE_ENTRY, MANY_SALES)}
    for _ in range(wanted.rounds):
        for name, work in by_name.items():
            await work(WARM_UP_SECONDS)
            figures[name].add(await work(wanted.seconds), BATCH if "batches" in name else 1)
        one = alone.run(clients=CONNECTIONS, seconds=wanted.seconds)
        figures[ONE_ENTRY].rounds.append(one.per_second)
        many = alone.run(clients=BATCHING, seconds=wanted.seconds, sales=BATCH)
        figures[MANY_SALES].rounds.append(many.per_second * BATCH)
    return figures


async def _machine(url: str) -> dict[str, object]:
    connection = await asyncpg.connect(url)
    try:
        server = await connection.fetchval("SHOW server_version")
        durable = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
    finally:
        await connection.close()
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": server,
        "fsync": durable[0],
        "synchronous_commit": durable[1],
    }


def _figure_row(name: str, figure: Figure) -> dict[str, object]:
    return {
        "work": name,
        "per_second": int(figure.per_second),
        "rounds": [int(rate) for rate in figure.rounds],
        "p50_ms": _hundredths(figure.p50_ms),
        "p99_ms": _hundredths(figure.p99_ms),
    }


def _goal_row(goal: Goal, figures: Figures) -> dict[str, object]:
    ratio = goal.ratio(figures)
    return {
        "id": goal.id,
        "text": goal.text,
        "ratio": _hundredths(ratio),
        "at_least": _hundredths(goal.least),
        "met": ratio >= goal.least,
    }


def _hundredths(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _print(report: Mapping[str, Any]) -> None:
    """The figures, then the ratios that the goals speak of."""
    console = Console()
    console.print(f"{report['at']}  {report['command']}  {report['machine']}")
    for title, rows in (("figures", report["figures"]), ("goals", report["goals"])):
        table = Table(title=title, title_justify="left")
        for heading in rows[0]:
            table.add_column(heading)
        for row in rows:
            table.add_row(*("-" if value is None else str(value) for value in row.values()))
        console.print(table)
    console.print("books balance" if report["books_balance"] else "[red]the books do not balance")


if __name__ == "__main__":
    sys.exit(main())
