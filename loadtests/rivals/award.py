"""`python -m loadtests.rivals.award`: the top-ten award of one year by five engines: first how much is right, then the time.

A simulated year with what is easily got wrong added to it. The market's own time is that of snapshot and calculation with
every line's trace stored; the others only say the figures.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from datamarket.foundation.db import Database, owner_connection
from datamarket.server.database import MarketDatabase, opened_database
from loadtests.market import RIVALS, ROOT, market_in
from loadtests.rivals import year
from loadtests.rivals.engines import ENGINES, TOP, award_sql
from loadtests.rivals.year import Award


@dataclass(frozen=True)
class Attempt:
    """How much of it an engine got right, to the fen, and in how many seconds."""

    engine: str
    of: int
    bases: int
    ranks: int
    awards: int
    seconds: float


def judge(engine: str, expected: Mapping[str, Award], told: Mapping[str, Award], seconds: float) -> Attempt:
    """Of every enterprise its base, rank and award; one that is not there is wrong in all three."""
    bases, ranks, awards = (
        sum(uscc in told and told[uscc][part] == award[part] for uscc, award in expected.items())
        for part in range(3)
    )
    return Attempt(engine, len(expected), bases, ranks, awards, seconds)


async def by_plain_sql(url: str) -> tuple[dict[str, Award], float]:
    """In PostgreSQL, on the market's own rows: what DuckDB is asked of the files; and its seconds."""
    async with owner_connection(url, timezone="UTC", jit="off") as connection, connection.transaction():
        for name, statement in year.FACTS.items():
            await connection.execute(f"CREATE TEMP VIEW {name} AS {statement.format(**year.window())}")
        begun = time.perf_counter()
        rows = await connection.fetch(award_sql(year.window()))
        seconds = time.perf_counter() - begun
        await connection.execute(f"DROP VIEW {', '.join(year.FACTS)}")
    return {row["uscc"]: (row["fen"], row["place"], row["award"]) for row in rows}, seconds


def by_engine(engine: str, folder: Path) -> tuple[dict[str, Award], float]:
    """In the rivals' environment, from the files; and its seconds, without the start of the interpreter."""
    line = [str(RIVALS), "-m", "loadtests.rivals.engines", engine, str(folder)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
    told = json.loads(done.stdout)
    return {uscc: tuple(award) for uscc, award in told["answers"].items()}, told["seconds"]


async def compare(opened: MarketDatabase, folder: Path) -> list[Attempt]:
    """Make the year difficult, let the market decide it, then ask each engine."""
    before, _ = await by_plain_sql(opened.url)
    tenth = max(fen for fen, place, _ in before.values() if place is not None and place >= TOP)
    database = await Database(opened.url, 4).open()
    try:
        await year.add_difficulties(database, tenth)
        begun = time.perf_counter()
        expected = await year.calculate(database)
        ours = judge("datamarket, traces stored", expected, expected, time.perf_counter() - begun)
    finally:
        await database.close()
    await year.export(opened.url, folder)
    answers = {"plain SQL, PostgreSQL": await by_plain_sql(opened.url)}
    answers |= {engine: by_engine(engine, folder) for engine in ENGINES}
    return [ours, *(judge(engine, expected, *answer) for engine, answer in answers.items())]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.rivals.award", description=__doc__)
    parser.add_argument("--enterprises", type=int, default=300)
    parser.add_argument("--trades", type=int, default=20_000)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datamarket-rivals-")))
        market = market_in(folder)
        os.environ.update(market.environment)
        os.environ.pop("DATABASE_URL", None)
        facts = folder / "year"
        facts.mkdir()
        (facts / "window.json").write_text(json.dumps(year.window()), encoding="utf-8")
        opened = stack.enter_context(opened_database())
        sizes = ("--enterprises", str(wanted.enterprises), "--trades", str(wanted.trades))
        if market.command("seed", quiet=True) or market.command("simulate", *sizes, "--stress", quiet=True):
            return 2
        attempts = uvloop.run(compare(opened, facts))
    table = Table("engine", "bases right", "ranks right", "awards right", "seconds")
    for told in attempts:
        right = (f"{part:,} of {told.of:,}" for part in (told.bases, told.ranks, told.awards))
        table.add_row(told.engine, *right, f"{told.seconds:.3f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
