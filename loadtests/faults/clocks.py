"""One of four processes has a clock that is an hour back, across the end of a month that is being closed."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import asyncpg
from fastapi import FastAPI

from datamarket.foundation.clock import month_of, read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from datamarket.server.sealing import seal_all
from loadtests import wire
from loadtests.bench_works import API
from loadtests.faults.oracle import Journal, judge, read_books
from loadtests.faults.proof import Proof
from loadtests.faults.restore import broken_in, outside_of
from loadtests.faults.stand import Stand, stand, tell
from loadtests.faults.traffic import Line, Traffic
from loadtests.faults.workers import Span
from tests.world import periods
from tests.world.people import NOON

CLAIM = (
    "a clock one hour back in one of four processes: every write once, no entry in a month after its closing,"
    " no row missing from the sealed log, no token good beyond its time"
)
SHIFT = "FAULTS_CLOCK_SHIFT"
"""Environment: the seconds that a process adds to its clock."""
RIGHT = datetime(2024, 11, 30, 16, 10, tzinfo=UTC)
"""Ten past midnight of 1 December in Qingdao; the clock that is back still shows November."""
MONTH = 202411
BACK = timedelta(hours=1)
PROCESSES, CLIENTS = 4, 2
"""So many clients of each process."""
ENTRIES = f"SELECT count(*) FROM ledger_entry WHERE ledger_id = $1 AND period = {MONTH}"  # noqa: S608 - a number
OUT_OF_ORDER = """
SELECT count(DISTINCT e.id) FROM ledger_entry AS e JOIN seal_block AS b USING (ledger_id)
 WHERE ledger_id = $1 AND e.xid >= b.xid_below AND e.recorded_at < b.sealed_at
"""
"""Entries that came after a block was sealed, and say that they were before it."""


def shifted() -> FastAPI:
    """What each process of the experiment serves."""
    settings, shift = Settings(), timedelta(seconds=float(os.environ[SHIFT]))
    database = Database(settings.database_url, settings.pool_size)
    return create_app(settings, database, read_clock=lambda: read_clock() + shift)


async def prove(*, seconds: float, seed: int) -> Proof:
    """Load on all four; the control is a log that goes by the clock: it loses what comes too late for it."""
    async with stand("clock") as on:
        clocks = [_clock(RIGHT - BACK), *[_clock(RIGHT)] * (PROCESSES - 1)]
        with Journal(on.folder / "intents.jsonl") as journal, ExitStack() as processes:
            ports = [processes.enter_context(_process(on, clock())) for clock in clocks]
            tell(f"clock: {PROCESSES} processes, one of them an hour back, for {seconds:.0f} s")
            strangers = [await _asked(on, ports[0], clocks[1]()), await _asked(on, ports[1], clocks[0]())]
            traffics = [
                Traffic(on, port, journal, seed + number, clients=CLIENTS, clock=clock)
                for number, (port, clock) in enumerate(zip(ports, clocks, strict=True))
            ]
            begun, span = time.monotonic(), Span()
            trading = asyncio.gather(*(traffic.run(span.going) for traffic in traffics))
            await asyncio.sleep(seconds / 2)
            closed = await _close_the_month(on, clocks[1]())
            await asyncio.sleep(seconds / 2)
            span.over = True
            await trading
            figures: dict[str, object] = {"unknown_replayed": await traffics[1].settle_unknown()}
            verdict = judge(journal, await read_books(on.url, on.ledger_id))
            figures |= traffics[1].figures(time.monotonic() - begun, verdict)
        afterwards, late = await _ask(on, ENTRIES), await _ask(on, OUT_OF_ORDER)
        broken = await _sealed_and_checked(on)
    figures |= {
        "clients": PROCESSES * CLIENTS,
        "entries_of_the_month_at_its_closing": closed,
        "entries_of_the_month_at_the_end": afterwards,
        "tokens_of_the_other_clock": strangers,
        "breaches_after": broken,
    }
    tell(f"clock: {figures}, too late for a log by the clock: {late}")
    kept = 0 < closed == afterwards and strangers == [HTTPStatus.UNAUTHORIZED] * 2
    holds = verdict.sound and kept and bool(journal.refused) and not (broken or journal.unknown)
    return Proof("clock", CLAIM, holds, figures, {"rows_that_a_log_by_the_clock_loses": late}, late > 0)


def _clock(begins: datetime) -> Callable[[], datetime]:
    """A clock that shows `begins` now."""
    shift = begins - read_clock()
    return lambda: read_clock() + shift


def _process(on: Stand, shows: datetime) -> AbstractContextManager[int]:
    shift = str((shows - read_clock()).total_seconds())
    market = replace(on.market, environment={**on.market.environment, SHIFT: shift})
    return market.serving_factory("loadtests.faults.clocks:shifted")


async def _asked(on: Stand, port: int, signed: datetime) -> int:
    """The status for a token that was signed at that instant."""
    line = Line(port)
    bearer = on.bearer(on.exchange.provider, now=signed)
    answer = await line.ask(wire.request("GET", f"{API}/trades", {"Authorization": bearer}))
    line.close()
    return answer.status if answer else 0


async def _close_the_month(on: Stand, now: datetime) -> int:
    """How many entries it has from now on."""
    database = await Database(on.url, 2).open()
    try:
        for month in (month_of(NOON), MONTH):  # the money came in the first
            await periods.close(database, on.ledger_id, month, now=now)
    finally:
        await database.close()
    return await _ask(on, ENTRIES)


async def _ask(on: Stand, statement: str) -> int:
    connection = await asyncpg.connect(on.url)
    try:
        return int(await connection.fetchval(statement, on.ledger_id))
    finally:
        await connection.close()


async def _sealed_and_checked(on: Stand) -> list[str]:
    database = await Database(on.url, 2).open()
    try:
        await seal_all(database, on.settings, read_clock)
    finally:
        await database.close()
    return await broken_in(on, on.url, await outside_of(on, on.url)) + await on.quick_breaches()
