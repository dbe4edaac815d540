"""What `datamarket seed`, `simulate` and `demo` do, with progress for people."""

import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from datamarket.auth.terms import Actor, Role
from datamarket.commands.demo import report
from datamarket.foundation.clock import read_clock, start_of_day
from datamarket.foundation.db import Database
from datamarket.foundation.errors import Conflict
from datamarket.foundation.ids import seeded_ids
from datamarket.server import sealing
from datamarket.server.checks import check_books
from datamarket.server.database import MarketDatabase
from datamarket.simulation import queries
from datamarket.simulation.city import Loader, size_of
from datamarket.simulation.play import Player, YearResult
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.whole import run_whole

console = Console(stderr=True)


class CityLoaded(Conflict):
    code = "seed.city-loaded"
    zh = "该数据库中已有市场主体；种子数据只能载入空的市场。"
    en = "This database has participants already; the city is loaded into an empty market only."


class BooksBroken(Conflict):
    code = "demo.books-broken"
    zh = "账簿不变量被破坏：{ids}。"
    en = "Invariants of the books are broken: {ids}."


class CityMissing(Conflict):
    code = "simulate.city-missing"
    zh = "该数据库中尚无城市数据；请先运行 datamarket seed。"
    en = "There is no city in this database; run `datamarket seed` first."


@asynccontextmanager
async def _opened(market: MarketDatabase) -> AsyncIterator[Database]:
    database = await Database(market.url, 2).open()
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


async def seed_city(market: MarketDatabase, folder: Path) -> None:
    """Load the city's files; the accounts' password is printed once, unless it was given."""
    password = market.settings.demo_password or secrets.token_urlsafe(12)
    async with _opened(market) as database:
        if await _has_participants(market.url):
            raise CityLoaded
        with _progress() as progress:
            task = progress.add_task("城市数据 · the city", total=size_of(folder))
            await Loader(database, folder, password, lambda done: progress.advance(task, done)).load()
    if market.settings.demo_password is None:
        print(  # noqa: T201 - the command's own answer
            f"账户 accounts: authority authority2 authority3 finance reviewer auditor admin zo-01… dm-001…\n"
            f"密码（仅显示一次） password, shown once: {password}"
        )


async def run_demo(
    market: MarketDatabase,
    folder: Path,
    *,
    enterprises: int,
    trades: int,
    seed: int,
    stress: bool,
    year: int = 2024,
) -> None:
    """City, market year, checks, both subsidies; the last year whose figures were reported is 2024."""
    password = market.settings.demo_password or secrets.token_urlsafe(12)
    ledger_id = market.settings.ledger_id
    async with _opened(market) as database:
        with _progress() as progress, seeded_ids(seed):
            task = progress.add_task("城市数据 · the city", total=size_of(folder))
            await Loader(database, folder, password, lambda done: progress.advance(task, done)).load()
            player = Player(database, ledger_id, _reporter(progress, trades))
            played = await player.play(year, enterprises=enterprises, trades=trades, seed=seed, stress=stress)
            await _learn(market.url)
            run_id, cutoff = await _run_subsidies(database, year, ledger_id)
        async with database.transaction() as session:
            tables = await dossier.award_tables(session, run_id)
            await report.print_market(session, ledger_id, year=year, now=cutoff)
            await report.print_trial_balance(session, ledger_id)
        report.print_awards(tables)
        report.print_refused(tables)
        report.print_explanation(tables)
    findings = await check_books(market.url, ledger_id)
    broken = [finding.check.id for finding in findings if not finding.holds]
    if broken:
        raise BooksBroken(ids=", ".join(broken))
    report.console.print(f"账簿不变量全部成立 · all {len(findings)} invariants of the books hold")
    async with _opened(market) as database:
        leaves = await sealing.seal_all(database, market.settings, read_clock)
    report.console.print(f"存证已封存 · {leaves:,} entries and audit events are sealed: datamarket verify")
    report.print_next(tables, played.books_sha256, None if market.settings.demo_password else password)


async def _run_subsidies(database: Database, year: int, ledger_id: int) -> tuple[UUID, datetime]:
    """The run and its cut-off: in March of the next year, each step by whoever may take it."""
    async with database.transaction() as session:
        names = ("authority", "authority2", "authority3", "finance")
        roles = (Role.AUTHORITY, Role.AUTHORITY, Role.AUTHORITY, Role.FINANCE)
        officers = [
            Actor(await queries.account_named(session, name), None, frozenset({role}))
            for name, role in zip(names, roles, strict=True)
        ]
    calculator, reviewer, approver, payer = officers
    run = await run_whole(
        database,
        year=year,
        calculator=calculator,
        reviewer=reviewer,
        approver=approver,
        payer=payer,
        now=start_of_day(date(year + 1, 3, 3)),
        ledger_id=ledger_id,
    )
    return run.id, run.cutoff


async def _has_participants(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM participant)"))
    finally:
        await connection.close()


async def simulate_years(
    market: MarketDatabase,
    *,
    years: Sequence[int],
    enterprises: int,
    trades: int,
    seed: int,
    stress: bool,
    as_json: bool = False,
) -> list[YearResult]:
    """Play each year; print what happened."""
    if not await _has_participants(market.url):
        raise CityMissing
    results = []
    async with _opened(market) as database:
        for year in sorted(years):
            with _progress() as progress, seeded_ids(seed * 10_000 + year):
                player = Player(database, market.settings.ledger_id, _reporter(progress, trades))
                results.append(
                    await player.play(year, enterprises=enterprises, trades=trades, seed=seed, stress=stress)
                )
    await _learn(market.url)
    if as_json:
        json.dump([asdict(result) for result in results], sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        for result in results:
            console.print(
                f"{result.year}: 合同 contracts {result.contracts:,} · 交易 trades {result.trades:,} · "
                f"退款 refunds {result.refunds:,} · books_sha256 {result.books_sha256[:16]}…"
            )
    return results


def _reporter(progress: Progress, trades: int) -> Callable[[str, int], None]:
    labels = {
        "admit": ("企业准入 · admissions", None),
        "contract": ("合同 · contracts", None),
        "trade": ("交易 · trades", trades),
        "refund": ("退款 · refunds", None),
    }
    tasks = {}

    def advance(kind: str, count: int) -> None:
        if kind not in tasks:
            label, total = labels[kind]
            tasks[kind] = progress.add_task(label, total=total)
        progress.advance(tasks[kind], count)

    return advance


async def _learn(url: str) -> None:
    """The planner of the database learns what was loaded; without it the first pages are slow."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
