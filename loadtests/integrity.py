"""`python -m loadtests.integrity`: five years of honest trade with planted schemes; what the detectors find, and how fast.

Exits with 1 where a planted scheme is missed, or one in a hundred of the honest enterprises is flagged.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvloop

from datamarket.foundation.db import Database, driver
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.database import opened_database
from datamarket.subsidy.integrity import detectors
from loadtests.market import market_in
from tests.world import planted
from tests.world.planted import END
from tests.world.subsidy import YEAR
from tests.world.trading import LEDGER_ID

NAME = "datamarket_integrity"
MOST_HONEST = 0.01


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.integrity", description=__doc__)
    parser.add_argument("--enterprises", type=int, default=10_000)
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=5)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-integrity-")))
        os.environ.update(market_in(folder).environment)
        os.environ.pop("DATABASE_URL", None)
        opened = stack.enter_context(opened_database())
        report = [
            uvloop.run(year_of(opened.url, seed, wanted.enterprises, wanted.trades))
            for seed in range(1, wanted.seeds + 1)
        ]
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0 if all(not year["missed"] and year["honest_share"] < MOST_HONEST for year in report) else 1


async def year_of(server_url: str, seed: int, enterprises: int, trades: int) -> dict[str, Any]:
    """One seed's year, in a database of its own."""
    await drop_database(server_url, NAME)
    url = await create_database(server_url, NAME)
    await migrate(url)
    database = await Database(url, 2).open()
    try:
        year = await asyncio.to_thread(planted.honest_year, seed, enterprises, trades)
        planted.plant(year)
        await planted.write(database, year)
        rules = detectors.parameters_on(date(YEAR, 12, 31))
        async with database.transaction() as session:
            connection = await driver(session)
            await connection.execute("SET LOCAL work_mem = '128MB'")
            began = time.perf_counter()
            found = await detectors.find(connection, LEDGER_ID, YEAR, rules, as_of=END + timedelta(days=120))
            seconds = time.perf_counter() - began
    finally:
        await database.close()
    judged = planted.judged(year, found.findings)
    return {
        "seed": seed,
        "enterprises": enterprises,
        "trades": len(year.trades),
        "planted": {kind.value: len(members) for kind, members in year.planted.items()},
        "found": {kind.value: number for kind, number in judged.found.items()},
        "missed": {kind.value: len(members) for kind, members in judged.missed.items()},
        "honest_flagged": len(judged.honest),
        "honest_share": round(len(judged.honest) / enterprises, 5),
        "cut_short": found.cut_short,
        "seconds": round(seconds, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
