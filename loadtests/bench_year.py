"""`python -m loadtests.bench_year`: a year of ten thousand selling enterprises and a million trades, calculated.

Prints snapshot to stored lines from either origin of turnover, a what-if arm, a grid of 101 x 101 rates and caps, and
whether both origins agree to the fen. The year's enterprises, contracts and uses are copies made by SQL; its trades and
refunds are inserted as the market does, past no trigger, without their entries: a yearly run reads no books.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg
import psutil  # type: ignore[import-untyped]  # it brings no types
import uvloop

from datamarket.foundation.db import Database
from datamarket.server.database import opened_database
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.runs import dossier, queries
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.studies.grid import grid_of
from datamarket.subsidy.studies.reform import apply_reform
from datamarket.subsidy.studies.whatif import compare
from loadtests.bench_cpu import whole
from loadtests.market import market_in
from tests.world import catalogue
from tests.world import subsidy as world
from tests.world.subsidy import YEAR, Officers
from tests.world.trading import LEDGER_ID

CLAUSE = "top-ten-turnover"
CONTRACTS_EACH = 3
STEP = 50_000
_ID = "md5('{name}/' || {n})::uuid"
_SELLER, _NEXT = _ID.format(name="seller", n="n"), _ID.format(name="seller", n="(n + 1)")
_PROVIDER = _ID.format(name="seller", n="(1 + n % {sellers})")
_BUYER = _ID.format(name="seller", n="(1 + (n + 1 + n * 7 % ({sellers} - 1)) % {sellers})")
"""Of the contract n: never its provider."""
_COPIES = """
CREATE FUNCTION pg_temp.copied(name text, many bigint, differing text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %1$I SELECT made.* FROM (SELECT * FROM %1$I LIMIT 1) AS t,'
                   ' generate_series(1, %2$s) AS n,'
                   ' jsonb_populate_record(NULL::%1$I, to_jsonb(t) || jsonb_build_object(%3$s)) AS made', name, many, differing);
END
$$
"""
_MARKET = (
    (
        "participant",
        1,
        (
            f"'id', {_SELLER}, 'kind', 'enterprise', 'uscc', '91370200' || lpad(n::text, 10, '0'),"
            " 'name_zh', '模拟企业' || n, 'name_en', 'seller ' || n"
        ),
    ),
    (
        "contract",
        CONTRACTS_EACH,
        (
            f"'id', {_ID.format(name='contract', n='n')}, 'provider_id', {_PROVIDER}, 'buyer_id', {_BUYER},"
            " 'venue_id', ('{{{venues}}}'::uuid[])[1 + n % 10], 'price_fen', 100 + (n * 7919) % 99991"
        ),
    ),
    (
        "affiliation",
        0.01,
        (
            f"'id', {_ID.format(name='affiliation', n='n')}, 'controller_id', {_NEXT}, 'controlled_id', {_BUYER},"
            " 'from_on', '{year}-05-01', 'to_on', CASE WHEN n % 2 = 0 THEN '{year}-09-01' END,"
            " 'ended_at', CASE WHEN n % 2 = 0 THEN '{year}-09-01' END"
        ),
    ),
)
_TRADES = """
WITH sale AS MATERIALIZED (
    SELECT md5('use/' || n)::uuid AS use_id, md5('trade/' || n)::uuid AS trade_id, md5('contract/' || 1 + n % $4)::uuid AS contract_id,
           1 + (n * 31 + n / $4) % 40 AS quantity, $5::timestamptz + n * (interval '365 days' / $3) AS at
      FROM generate_series($1::bigint, $2::bigint) AS n),
used AS (
    INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
    SELECT use_id, contract_id, 'industrial_development', quantity, at, use_id, true FROM sale)
INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category, quantity,
                   unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at, refunded_fen, state, version)
SELECT s.trade_id, {ledger}, c.id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
       s.quantity, c.price_fen, c.price_fen * s.quantity, '{{}}', 'qd-2024', s.at, s.at, 0, 'settled', 1
  FROM sale AS s JOIN contract AS c ON c.id = s.contract_id
"""
_REFUNDS = """
INSERT INTO refund (id, ledger_id, trade_id, amount_fen, reason, refunded_at, account_id)
SELECT gen_random_uuid(), ledger_id, id, CASE WHEN n % 2 = 0 THEN amount_fen ELSE 1 + amount_fen / 3 END, 'a part or the whole',
       occurred_at + interval '20 days', id
  FROM generate_series(1, $1, 100) AS n JOIN trade ON id = md5('trade/' || n)::uuid
"""


async def grow(database: Database, *, sellers: int, trades: int) -> None:
    """One enterprise's sale through the real actions, then as many as are wanted.

    A venue in ten becomes qualified within the year, some pairs are related for a part of it, a trade in a hundred is
    refunded: what must be read trade by trade is there as well.
    """
    on = await world.stage(database)
    seller, controlled = await world.enterprise(database), await world.enterprise(database)
    await world.sells(on, seller, 1, at=world.MARCH)
    await world.controls(database, seller, controlled, since=world.MARCH.date())
    async with database.transaction() as session:
        late = await catalogue.venue(session, qualified_from=world.MARCH.date())
    venues = ",".join(str(venue.id) for venue in [late, on.other_venue, *[on.venue] * 8])
    start = world.MARCH.replace(month=1, day=2)
    facts = {"sellers": sellers, "venues": venues, "year": YEAR, "ledger": LEDGER_ID}
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_COPIES)
        for table, each, differing in _MARKET:
            copies = int(each * sellers)
            await connection.execute(
                "SELECT pg_temp.copied($1, $2, $3)", table, copies, differing.format(**facts)
            )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    starts = iter(range(1, trades + 1, STEP))

    async def insert() -> None:
        connection = await asyncpg.connect(database.url, server_settings={"synchronous_commit": "off"})
        try:
            for first in starts:
                last = min(first + STEP - 1, trades)
                contracts = CONTRACTS_EACH * sellers
                await connection.execute(
                    _TRADES.format(**facts), first, last, trades, contracts, start.replace(hour=0)
                )
        finally:
            await connection.close()

    await asyncio.gather(insert(), insert())
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute(_REFUNDS, trades)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def measure(database: Database) -> dict[str, Any]:
    """A run from either origin of turnover, then an arm and a grid over what was read: the clock, and the processor."""
    officers, taken, seconds = Officers(), {}, {}
    async with database.connection() as connection:
        server = psutil.Process(connection.get_server_pid()).parent() or psutil.Process()
    for origin in (*TurnoverOrigin, *TurnoverOrigin):
        database_used = whole(server)
        began, used = time.perf_counter(), time.process_time()
        with patch.object(snapshots, "take", partial(snapshots.take, turnover_from=origin)):
            run = await world.opened_run(database, officers)
            run = await world.moved(database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
        spent = time.perf_counter() - began, time.process_time() - used
        database_used = whole(server) - database_used
        seconds[origin.value] = {**_told(spent), "database": round(database_used, 2)}
        async with database.transaction() as session:
            view = await queries.get_run(session, run.id)
            scheme = await dossier.scheme_of(session, run.scheme_version_id)
            snapshot = await dossier.stored_snapshot(session, view)
        taken[origin] = view.snapshot_sha256, run.result_sha256
        await world.moved(database, officers, run, RunEvent.CANCEL)
    baseline = evaluate(scheme, snapshot, YEAR)
    dated = {f"{CLAUSE}.rate": {f"{YEAR}-01-01": "1.5%"}}
    arm = _seconds(lambda: compare(baseline, evaluate(apply_reform(scheme, dated), snapshot, YEAR)))
    rates, caps = [Fraction(50 + n, 10_000) for n in range(101)], [n * 1_000_000 for n in range(1, 102)]
    grid = _seconds(lambda: grid_of(scheme, snapshot, YEAR, CLAUSE, rates=rates, caps=caps))
    return {
        "snapshot_to_lines_seconds": seconds,
        "what_if_arm_ms": _told(arm, 1000),
        "grid_101_by_101_seconds": _told(grid),
        "lines": len(baseline.lines),
        "origins_agree": len(set(taken.values())) == 1,
    }


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processor; the medians of three."""
    times = []
    for _ in range(3):
        began, used = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - began, time.process_time() - used))
    clock, python = zip(*times, strict=True)
    return statistics.median(clock), statistics.median(python)


def _told(spent: tuple[float, float], factor: int = 1) -> dict[str, float]:
    return dict(zip(("clock", "python"), (round(seconds * factor, 2) for seconds in spent), strict=True))


async def year_of(url: str, *, sellers: int, trades: int) -> dict[str, Any]:
    """The whole report, of a market with nothing in it."""
    database = await Database(url, 4).open()
    try:
        began = time.perf_counter()
        await grow(database, sellers=sellers, trades=trades)
        built = round(time.perf_counter() - began, 1)
        return {"sellers": sellers, "trades": trades, "built_in_seconds": built} | await measure(database)
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench_year", description=__doc__)
    parser.add_argument("--sellers", type=int, default=10_000)
    parser.add_argument("--trades", type=int, default=1_000_000)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-year-")))
        os.environ.update(market_in(folder).environment)
        os.environ.pop("DATABASE_URL", None)
        opened = stack.enter_context(opened_database())
        gc.freeze()  # as a server does once it has started
        report = uvloop.run(year_of(opened.url, sellers=wanted.sellers, trades=wanted.trades))
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0 if report["origins_agree"] else 1


if __name__ == "__main__":
    sys.exit(main())
