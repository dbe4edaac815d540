"""`python -m loadtests.million`: a year of trades by `/trades/batch`, then the books, and a balance at every past day.

Bounded by the count of trades; the market is the run's own, on the loopback.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import uvloop

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation.clock import business_date, month_of, read_clock
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.server.checks import check_books
from datamarket.server.database import MarketDatabase, opened_database
from loadtests import wire
from loadtests.bench_works import API, BATCH, BATCHING, USE, UnexpectedAnswer
from loadtests.dated_app import BASE, DAY_HEADER
from loadtests.market import HOST, market_in
from tests.world.exchange import Exchange, exchange
from tests.world.people import AUDITOR, FINANCE, NOON

DAYS = 360
BUYERS = 32
GOAL_MS = 200


@dataclass(frozen=True)
class Market:
    """Where to ask, as whom, from which first day on."""

    port: int
    keeper: TokenKeeper
    exchange: Exchange
    base: datetime

    def ask(self, method: str, path: str, actor: Actor, day: int, body: object = None) -> bytes:
        headers = {
            "Authorization": f"Bearer {self.keeper.sign(actor, now=self.base)}",
            DAY_HEADER: str(day),
            "Idempotency-Key": new_id(read_clock()).hex,
        }
        return wire.request(method, API + path, headers, b"" if body is None else orjson.dumps(body))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.million", description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000_000)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-million-")))
        os.environ.update(market_in(folder).environment)
        os.environ.pop("DATABASE_URL", None)
        opened = stack.enter_context(opened_database())
        report = uvloop.run(_run(opened, folder, wanted.trades))
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0 if report["books_balance"] and report["trial_balance_met"] else 1


async def _run(opened: MarketDatabase, folder: Path, trades: int) -> dict[str, object]:
    base = read_clock() - timedelta(days=DAYS)
    database = await Database(opened.url, 4).open()
    try:
        asked = await exchange(database, listings=100, buyers=BUYERS, now=base)
    finally:
        await database.close()
    keeper = TokenKeeper(load_key(opened.settings), opened.settings)
    served = market_in(folder, DATABASE_URL=opened.url, **{BASE: base.isoformat()})
    with served.serving_factory("loadtests.dated_app:application") as port:
        market = Market(port, keeper, asked, base)
        seconds = await _record(market, trades)
        balances = {"months open": await _balances(market)}
        closed = await _close_months(market)
        balances["months closed"] = await _balances(market)
    started = time.perf_counter()
    findings = await check_books(opened.url, opened.settings.ledger_id)
    slowest = max(max(times) for times in balances.values())
    return {
        "command": " ".join(["python -m loadtests.million", *sys.argv[1:]]),
        "trades": trades,
        "trades_per_second": int(trades / seconds),
        "months_closed": closed,
        "trial_balance_ms": {
            name: {
                "days": len(times),
                "median": round(statistics.median(times), 1),
                "slowest": round(max(times), 1),
            }
            for name, times in balances.items()
        },
        "trial_balance_met": slowest < GOAL_MS,
        "check_seconds": round(time.perf_counter() - started, 1),
        "broken": {finding.check.id: finding.breaches for finding in findings if not finding.holds},
        "books_balance": all(finding.holds for finding in findings),
    }


async def _record(market: Market, trades: int) -> float:
    """Two connections, one batch after the other, day after day; the seconds it took."""
    batches = [(number, min(BATCH, trades - number * BATCH)) for number in range(-(-trades // BATCH))]
    waiting = iter(batches)

    async def one() -> None:
        connection = await wire.connect(HOST, market.port)
        for number, size in waiting:
            deal = market.exchange.deals[number % BUYERS]
            items = [{"contract_id": str(deal.contract.id), **USE}] * size
            asked = market.ask(
                "POST", "/trades/batch", deal.buyer_account, number * DAYS // len(batches), {"items": items}
            )
            answer = await connection.ask(asked)
            if answer.status != 200 or orjson.loads(answer.body)["recorded"] != size:
                raise UnexpectedAnswer(f"{answer.status} {answer.body[:500].decode(errors='replace')}")
            if number % 100 == 0:
                print(f"{number * BATCH:,} of {trades:,}", file=sys.stderr)
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(BATCHING)))
    return time.perf_counter() - started


async def _balances(market: Market) -> list[float]:
    """The milliseconds of a trial balance at the end of each past day; debits equal credits in all of them."""
    connection = await wire.connect(HOST, market.port)
    times = []
    for day in range(DAYS):
        at = business_date(market.base + timedelta(days=day))
        asked = market.ask("GET", f"/ledger/trial-balance?at={at}", AUDITOR, DAYS)
        started = time.perf_counter()
        answer = await connection.ask(asked)
        times.append((time.perf_counter() - started) * 1000)
        told = orjson.loads(answer.body)
        if answer.status != 200 or told["difference_fen"] != 0 or told["debit_fen"] == 0:
            raise UnexpectedAnswer(f"{at}: {answer.status} {answer.body[:500].decode(errors='replace')}")
    connection.close()
    return times


async def _close_months(market: Market) -> int:
    """Every month that is over, from that of the deposits on, in order, as finance closes them."""
    connection = await wire.connect(HOST, market.port)
    this_month = month_of(market.base + timedelta(days=DAYS))
    days = {month_of(market.base + timedelta(days=day)) for day in range(DAYS)}
    months = sorted({month_of(NOON), *days} - {this_month})
    for month in months:
        for event in ("begin-closing", "close"):
            body = {"event": event, "reason": "month end"}
            answer = await connection.ask(
                market.ask("POST", f"/ledger/periods/{month}/events", FINANCE, DAYS, body)
            )
            if answer.status != 200:
                raise UnexpectedAnswer(
                    f"{month} {event}: {answer.status} {answer.body[:500].decode(errors='replace')}"
                )
    connection.close()
    return len(months)


if __name__ == "__main__":
    sys.exit(main())
