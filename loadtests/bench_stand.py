"""Both sides of the ratios that are wanted, set up: servers, copies of the market, and their works by name."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation.db import Database, with_database
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database
from datamarket.server.checks import check_books
from datamarket.server.database import MarketDatabase
from datamarket.server.sealing import sealer_of
from loadtests import bench_seal, wire
from loadtests.bench_cpu import Meter, memory_mib
from loadtests.bench_goals import (
    COLD_START,
    GROWN,
    LEAVES_VERIFIED,
    MANY_SALES,
    MEMORY,
    ONE_ENTRY,
    SEALED,
    Figure,
)
from loadtests.bench_growth import Growth, copy_of, grow_database
from loadtests.bench_works import (
    API,
    BARE,
    BATCH,
    BATCHING,
    CONNECTIONS,
    EDGE,
    TUTORIAL,
    USE_BATCHES,
    WITH_REPLICA,
    Measurable,
    Statements,
    Work,
    Works,
    always,
)
from loadtests.faults.cluster import Standby
from loadtests.market import RIVALS, market_in
from loadtests.pgbench import PgBench
from loadtests.rivals import standing
from tests.world.exchange import DEPOSIT, Exchange, exchange

LEAVES_OF_A_TRADE = 2
PATIENT = {"DATAMARKET_REQUEST_DEADLINE_SECONDS": "60", "DATAMARKET_REQUESTS_AT_ONCE": "128"}
"""On a busy machine a batch may take longer than a caller would wait, and 64 ask at once at the end of a curve: both are
figures here, no failures.
"""
LIVE = always(wire.request("GET", "/health/live"))


@dataclass(frozen=True)
class Sizes:
    """How large the market is, how large its grown copy, and how much is sealed."""

    listings: int
    grown: Growth
    sealed_trades: int


@dataclass
class Stand:
    """What is set up: what may be measured, and what was measured on the way."""

    opened: MarketDatabase
    folder: Path
    sizes: Sizes
    started: datetime
    stack: ExitStack
    works: dict[str, tuple[Measurable, Meter]] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    books: list[str] = field(default_factory=list)
    tutorial: str | None = None

    @cached_property
    def keeper(self) -> TokenKeeper:
        """Its key is made now, if nobody has: every server then finds it."""
        return TokenKeeper(load_key(self.opened.settings), self.opened.settings)

    @property
    def postgres(self) -> Path:
        return self.opened.settings.server_folder

    async def set_up(self, names: set[str]) -> Exchange:
        """Whatever these works need, and no more. Copies come first: nobody may be connected to what is copied."""
        _ = self.keeper
        database = await Database(self.opened.url, 4).open()
        try:
            market = await exchange(
                database, listings=self.sizes.listings, buyers=CONNECTIONS, now=self.started
            )
        finally:
            await database.close()
        alone = PgBench(self.opened.url, self.folder, self.opened.settings.ledger_id, market, self.started)
        await alone.prepare()
        if names & {SEALED, LEAVES_VERIFIED}:
            await self._seal_and_verify(market)
        if any(name.endswith(GROWN) for name in names):
            await self._grow(market, alone)
        works = await self._serve(market, names)
        self._statements(alone)
        if any(name.endswith(WITH_REPLICA) for name in names):
            self._replicate(market)
        if any(name.startswith(TUTORIAL) for name in names):
            await self._serve_tutorial(works, market)
        self.works = {name: work for name, work in self.works.items() if name in names}
        return market

    async def books_balance(self) -> bool:
        """Of every market that was written to, and of the tutorial."""
        found = [await check_books(url, self.opened.settings.ledger_id) for url in self.books]
        unbalanced = await standing.books_of(self.tutorial, DEPOSIT) if self.tutorial else 0
        return unbalanced == 0 and all(finding.holds for findings in found for finding in findings)

    @contextmanager
    def workers(self, market: Exchange, number: int) -> Iterator[Mapping[str, tuple[Measurable, Meter]]]:
        """The works of the market, and the bare answer, each on a server of its own with so many workers."""
        small = market_in(self.folder, DATABASE_URL=self.opened.url, **PATIENT)
        with small.serving(number) as port, small.serving_bare(number) as bare:
            works: dict[str, Work] = {**self._works(port, market).by_name}
            meter, bare_meter = Meter(self.postgres, port), Meter(self.postgres, bare)
            yield {name: (work, meter) for name, work in works.items()} | {BARE: (_bare(bare), bare_meter)}

    def _works(self, port: int, market: Exchange, listings: int = 0) -> Works:
        return Works(port, market, self.keeper, listings=listings or self.sizes.listings)

    async def _seal_and_verify(self, market: Exchange) -> None:
        """Sales just recorded, as a sealer finds them; a trade is two leaves, its entry and its audit event."""
        url = await copy_of(self.opened.url, f"{self.opened.name}_sealed")
        alone = PgBench(url, self.folder, self.opened.settings.ledger_id, market, self.started)
        await alone.prepare()
        sales = self.sizes.sealed_trades
        for _ in range(-(-sales // (BATCH * BATCH))):
            alone.run(clients=BATCHING, transactions=min(sales // BATCH, BATCH) // BATCHING, sales=BATCH)
        settings = self.opened.settings.model_copy(update={"var": self.folder / "sealed"})
        sealed = await _seal(url, settings)
        verified = await bench_seal.verify_all(url, sealer_of(settings))
        self.figures[SEALED] = Figure([1e6 / (LEAVES_OF_A_TRADE * sealed.cpu_microseconds_a_leaf)])
        self.figures[LEAVES_VERIFIED] = Figure([verified.per_second])

    async def _grow(self, market: Exchange, alone: PgBench) -> None:
        url = await copy_of(self.opened.url, f"{self.opened.name}_grown")
        await grow_database(url, alone, self.sizes.grown, listings=self.sizes.listings)
        apart = {
            "var": self.folder / "grown",
            "signing_key": self.folder / "signing-key.pem",
        }  # another log, the same callers
        await _seal(url, self.opened.settings.model_copy(update=apart))
        more = {f"DATAMARKET_{name.upper()}": str(path) for name, path in apart.items()}
        port = self.stack.enter_context(market_in(self.folder, DATABASE_URL=url, **PATIENT, **more).serving())
        works = self._works(port, market, self.sizes.grown.listings)
        await works.prepare()
        self._add({name + GROWN: work for name, work in works.by_name.items()}, port)
        self.books.append(url)

    async def _serve(self, market: Exchange, names: set[str]) -> Works:
        small = market_in(self.folder, DATABASE_URL=self.opened.url, **PATIENT)
        port = self.stack.enter_context(small.serving())
        bare = self.stack.enter_context(small.serving_bare())
        works = self._works(port, market)
        await works.prepare()
        by_name = dict(works.by_name)
        if not await works.counts_uses_in_batches():
            del by_name[USE_BATCHES]
        self._add(by_name, port)
        self._add({BARE: _bare(bare)}, bare)
        if EDGE in names:
            told = market_in(self.folder, DATABASE_URL=self.opened.url, DATAMARKET_LOG_REQUESTS="true")
            edge = self.stack.enter_context(told.serving())
            self._add({EDGE: Work(edge, LIVE)}, edge)
        self.books.append(self.opened.url)
        return works

    def _replicate(self, market: Exchange) -> None:
        """A standby that follows; the meter is the primary's."""
        copy = Standby(self.folder / "standby").make_from(self.opened.url)
        copy.start()
        self.stack.callback(copy.stop)
        replica = with_database(copy.url, self.opened.name)
        small = market_in(self.folder, DATABASE_URL=self.opened.url, DATABASE_REPLICA_URL=replica, **PATIENT)
        port = self.stack.enter_context(small.serving())
        works = self._works(port, market).by_name
        self._add({name + WITH_REPLICA: work for name, work in works.items()}, port)

    def _statements(self, alone: PgBench) -> None:
        meter = Meter(self.postgres)
        self.works[ONE_ENTRY] = Statements(alone, CONNECTIONS), meter
        self.works[MANY_SALES] = Statements(alone, BATCHING, BATCH), meter

    async def _serve_tutorial(self, works: Works, market: Exchange) -> None:
        """The rival, once it has sold the same as we did."""
        self.tutorial = await create_database(self.opened.url, "rival_tutorial")
        port = self.stack.enter_context(market_in(self.folder).serving_tutorial(self.tutorial))
        await standing.fill(self.opened.url, self.tutorial)
        await standing.sell_the_same(works, port, market.deals)
        self._add(works.by_name_of_tutorial(port), port)

    def _add(self, works: Mapping[str, Work], port: int) -> None:
        meter = Meter(self.postgres, port)
        self.works |= {name: (work, meter) for name, work in works.items()}


def _bare(port: int) -> Work:
    return Work(port, always(wire.request("GET", "/")))


def tutorial_is_there() -> bool:
    return RIVALS.exists()


async def start_cold(folder: Path, times: int) -> dict[str, Figure]:
    """On an empty data folder each time: until it is ready; then what a worker holds that has answered pages."""
    figures = {COLD_START: Figure(), MEMORY: Figure()}
    for number in range(times):
        own = folder / f"cold-{number}"
        own.mkdir()
        begun = time.perf_counter()
        with market_in(own).serving() as port:
            figures[COLD_START].rounds.append(time.perf_counter() - begun)
            await Work(port, always(wire.request("GET", f"{API}/listings"))).measure(1)
            meter = Meter(own / "postgres", port)
            figures[MEMORY].rounds.append(memory_mib(meter.server) if meter.server else 0)
    return figures


async def _seal(url: str, settings: Settings) -> bench_seal.Rate:
    database = await Database(url, 1).open()
    try:
        return await bench_seal.seal(database, sealer_of(settings))
    finally:
        await database.close()
