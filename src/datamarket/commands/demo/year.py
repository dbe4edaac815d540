"""What `datamarket seed`, `simulate` and `demo` do, with progress for people."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from datamarket.commands.demo import report
from datamarket.commands.demo.awards import decide_awards, recover_award
from datamarket.commands.demo.contract_years import play_contract_years
from datamarket.commands.demo.withdrawal import withdraw_and_reinstate
from datamarket.foundation.clock import business_date, read_clock
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.errors import Conflict
from datamarket.foundation.ids import seeded_ids
from datamarket.server import sealing
from datamarket.server.checks import check_and_keep
from datamarket.server.database import MarketDatabase
from datamarket.simulation import queries
from datamarket.simulation.cases import play_cases
from datamarket.simulation.city import Loader, renew_registrations, size_of
from datamarket.simulation.play import Player, YearResult
from datamarket.simulation.second_city import SecondLoader, play_second_city
from datamarket.simulation.settling import settle_year
from datamarket.simulation.terms import Heard, Stage
from datamarket.subsidy.runs import dossier

console = Console(stderr=True)
YEAR = 2024
"""The last year whose figures were reported."""


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


class YearBeforeCity(Conflict):
    code = "simulate.year-before-city"
    zh = "{year} 年初该城市各专区的授权尚未齐备（最晚自 {begun} 起）；请选之后的年度。"
    en = "When {year} began not every zone of this city had its mandate yet (the last from {begun} on): choose a later year."


@dataclass(frozen=True)
class YearWanted:
    """How large a market year, from which seed; `stress` makes three enterprises pass the cap."""

    enterprises: int
    trades: int
    seed: int
    stress: bool


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


async def seed_city(database: Database, market: MarketDatabase, folder: Path) -> None:
    """Load the city's files; the accounts' password is printed once, unless it was given."""
    async with database.transaction() as session:
        if await queries.has_participants(session):
            raise CityLoaded
    with _progress() as progress:
        password = await _load(database, market, folder, _reporter(progress, city=size_of(folder)))
    await renew_registrations(database, business_date(read_clock()))
    if password is not None:
        print(report.accounts(password))  # noqa: T201 - the command's own answer


async def _load(database: Database, market: MarketDatabase, folder: Path, heard: Heard) -> str | None:
    """Load the city; the random password of its accounts, when none was given."""
    given = market.settings.demo_password
    password = given or secrets.token_urlsafe(12)
    await Loader(database, folder, market.settings.papers, password, heard).load()
    return None if given else password


async def run_demo(database: Database, market: MarketDatabase, folder: Path, wanted: YearWanted) -> None:
    """City, market year, checks, both subsidies; the last year whose figures were reported."""
    ledger_id = market.settings.ledger_id
    with _progress() as progress, seeded_ids(wanted.seed):
        heard = _reporter(progress, city=size_of(folder), trade=wanted.trades)
        password = await _load(database, market, folder, heard)
        played = await _play(database, market, YEAR, wanted, heard)
        await _learn(market.url)
        run_id, cutoff, happened = await decide_awards(database, market.settings.papers, ledger_id, YEAR)
    await renew_registrations(database, business_date(read_clock()))
    async with database.transaction() as session:
        tables = await dossier.award_tables(session, run_id)
        await report.print_market(session, ledger_id, year=YEAR, now=cutoff)
        await report.print_trial_balance(session, ledger_id)
    report.print_awards(tables)
    report.print_refused(tables)
    report.print_explanation(tables)
    report.print_withdrawal(await withdraw_and_reinstate(database, YEAR))
    with seeded_ids(wanted.seed * 10_000 + YEAR + 1):
        notary = sealing.sealer_of(market.settings).notary
        report.print_contract_years(await play_contract_years(database, ledger_id, notary, YEAR + 1))
        loader = SecondLoader(
            database,
            folder,
            market.settings.papers,
            market.settings.demo_password or password or "",
            _unheard,
        )
        cities = await _settle_cities(database, loader, ledger_id, wanted.seed, now=cutoff)
        happened.append(await recover_award(database, run_id, YEAR))
    async with database.transaction() as session:
        await report.print_happened(session, ledger_id, happened)
    findings = [finding for city in cities for finding in await check_and_keep(database, market.url, city)]
    broken = [finding.check.id for finding in findings if not finding.holds]
    if broken:
        raise BooksBroken(ids=", ".join(broken))
    held = len(findings) // len(cities)
    report.console.print(f"两城账簿不变量全部成立 · all {held} invariants hold in the books of each city")
    leaves = await sealing.seal_all(database, market.settings, read_clock)
    report.console.print(f"存证已封存 · {leaves:,} entries and audit events are sealed: datamarket verify")
    elsewhere = market.name if market.settings.database_url else None
    report.print_next(tables, played.books_sha256, password, elsewhere)


async def simulate_years(
    database: Database, market: MarketDatabase, years: Sequence[int], wanted: YearWanted
) -> list[YearResult]:
    """Play each year in a city that is there; mandates are renewed as long as it takes. Raises CityMissing, YearBeforeCity."""
    async with database.transaction() as session:
        if not await queries.has_participants(session):
            raise CityMissing
        begun = await queries.begun_on(session)
    for year in years:
        if begun is not None and begun > date(year, 1, 1):
            raise YearBeforeCity(year=year, begun=begun)
    results = []
    for year in sorted(years):
        with _progress() as progress, seeded_ids(wanted.seed * 10_000 + year):
            heard = _reporter(progress, trade=wanted.trades)
            results.append(await _play(database, market, year, wanted, heard))
    await _learn(market.url)
    return results


def print_years(results: Sequence[YearResult]) -> None:
    """One line a year."""
    for result in results:
        console.print(
            f"{result.year}: 合同 contracts {result.contracts:,} · 交易 trades {result.trades:,} · "
            f"退款 refunds {result.refunds:,} · books_sha256 {result.books_sha256[:16]}…"
        )


async def _play(
    database: Database, market: MarketDatabase, year: int, wanted: YearWanted, heard: Heard
) -> YearResult:
    """Trades and refunds, then the cases that the register lacks, up to their verification."""
    player = Player(database, market.settings.ledger_id, heard)
    played = await player.play(year, **asdict(wanted))
    await play_cases(
        database,
        market.settings.papers,
        heard,
        city_code=player.city_code,
        year=year,
        seed=wanted.seed,
    )
    return played


async def _settle_cities(
    database: Database, loader: SecondLoader, home: int, seed: int, *, now: datetime
) -> tuple[int, int]:
    """The second city plays its year; then both pay out, close their months, and show their books."""
    second = await play_second_city(database, loader, home, year=YEAR)
    cities = home, second.ledger_id
    settled = [await settle_year(database, city, loader.heard, year=YEAR, seed=seed) for city in cities]
    async with database.transaction() as session:
        await report.print_cities(session, cities, settled, sent_fen=second.sent_fen, now=now)
    return cities


def _unheard(_stage: Stage, _done: int) -> None:
    """The second city is small: it shows no bar."""


def _reporter(progress: Progress, **totals: int) -> Heard:
    """A bar for each stage, from its first step on; `totals` are known beforehand."""
    tasks: dict[Stage, TaskID] = {}

    def heard(stage: Stage, done: int) -> None:
        if stage not in tasks:
            tasks[stage] = progress.add_task(" · ".join(stage.labels), total=totals.get(stage))
        progress.advance(tasks[stage], done)

    return heard


async def _learn(url: str) -> None:
    """The planner of the database learns what was loaded; without it the first pages are slow."""
    async with owner_connection(url) as connection:
        await connection.execute("ANALYZE")
