"""A market year in which all that is easily got wrong happens, what the market awards for it, and its facts as files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from datamarket.foundation.clock import year_bounds
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.money import Fen
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import subsidy, trading
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers, Stage

CLAUSE = "top-ten-turnover"
CUTOFF = datetime(YEAR + 1, 1, 10, tzinfo=UTC)
ELSEWHERE = "110105"
TIED = 3
FACTS = {
    "trade": "SELECT id, provider_id, buyer_id, venue_id, occurred_at, recorded_at, amount_fen FROM trade",
    "refund": "SELECT trade_id, refunded_at, amount_fen FROM refund",
    "venue": """
SELECT id, qualified_from::timestamp AT TIME ZONE 'Asia/Shanghai' AS since FROM venue WHERE qualified_for_subsidy
""",
    "related": """
SELECT a_id, b_id, from_on::timestamp AT TIME ZONE 'Asia/Shanghai' AS since,
       to_on::timestamp AT TIME ZONE 'Asia/Shanghai' AS until
  FROM related_party
""",
    "enterprise": """
SELECT p.id, p.uscc, starts_with(p.division, '3702') AND NOT EXISTS (
           SELECT FROM participant_standing AS s WHERE s.participant_id = p.id AND s.state = 'suspended'
              AND (s.from_at < '{end}' AND (s.to_at IS NULL OR s.to_at >= '{end}')
                   OR s.from_at <= '{cutoff}' AND (s.to_at IS NULL OR s.to_at > '{cutoff}'))) AS eligible
  FROM participant AS p WHERE p.kind = 'enterprise'
""",
}
"""As an office would hand them over: what was sold, given back, by whom, where; the rest is the engines' work."""
_LINES = """
SELECT uscc, coalesce(base_fen, 0) AS base, rank, amount_fen FROM subsidy_line WHERE run_id = $1 AND clause_id = $2
"""
Award = tuple[int, int | None, int]
"""Base in fen, rank, award in fen."""


def window() -> dict[str, str]:
    """The instants that decide what counts."""
    start, end = year_bounds(YEAR)
    instants = {"start": start, "end": end, "cutoff": CUTOFF, "as_of": AFTER_YEAR}
    return {name: instant.isoformat() for name, instant in instants.items()}


async def add_difficulties(database: Database, tenth_fen: int) -> None:
    """Ties astride rank ten, both edges of the year, refunds before and after the cut-off, relations, venues, the cap."""
    on = await subsidy.stage(database)
    for _ in range(TIED):
        await subsidy.sells(on, await subsidy.enterprise(database), tenth_fen, at=MARCH)
    largest = await subsidy.enterprise(database)
    await subsidy.sells(on, largest, 10 * tenth_fen, 2_000_000_001, at=MARCH)  # past the cap of 200,000 yuan
    await subsidy.sells(on, await subsidy.enterprise(database, division=ELSEWHERE), 20 * tenth_fen, at=MARCH)
    await _sells_at_the_edges(on, tenth_fen)
    await _gives_back(on, tenth_fen)
    await _sells_to_its_own(on, tenth_fen)


async def _sells_at_the_edges(on: Stage, fen: int) -> None:
    """The first and the last instant in Beijing, the one before and the one after; and a venue that does not count."""
    start, end = year_bounds(YEAR)
    instant = timedelta(microseconds=1)
    seller = await subsidy.enterprise(on.database)
    for at in (start - instant, start, end - instant, end):
        await subsidy.sells(on, seller, fen + 150, at=at)
    await subsidy.sells(on, seller, fen, at=MARCH, venue=on.other_venue)


async def _gives_back(on: Stage, fen: int) -> None:
    seller = await subsidy.enterprise(on.database)
    agreement, trades = await subsidy.sells(on, seller, fen, fen, fen, at=MARCH)
    instants = (MARCH + timedelta(days=9), CUTOFF - timedelta(days=1), CUTOFF)
    for trade, at in zip(trades, instants, strict=True):
        await trading.refund(on.database, agreement, trade.id, Fen(fen // 3 + 50), at=at)


async def _sells_to_its_own(on: Stage, fen: int) -> None:
    """What it sold before it was controlled, meanwhile, and after."""
    seller, owner = await subsidy.enterprise(on.database), await subsidy.enterprise(on.database)
    await subsidy.controls(on.database, owner, seller, since=date(YEAR, 3, 1), until=date(YEAR, 6, 1))
    for month in (2, 3, 5, 6):
        await subsidy.sells(on, seller, fen + month, to=owner, at=datetime(YEAR, month, 15, tzinfo=UTC))


async def calculate(database: Database) -> dict[str, Award]:
    """What the market awards, every line stored with its trace."""
    officers = Officers()
    run = await subsidy.opened_run(database, officers, cutoff=CUTOFF)
    await subsidy.moved(database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    async with owner_connection(database.url) as connection:
        rows = await connection.fetch(_LINES, run.id, CLAUSE)
    return {row["uscc"]: (row["base"], row["rank"], row["amount_fen"]) for row in rows}


async def export(url: str, folder: Path) -> None:
    """The facts as CSV."""
    async with owner_connection(url, timezone="UTC") as connection:
        for name, statement in FACTS.items():
            await connection.copy_from_query(
                statement.format(**window()), output=folder / f"{name}.csv", format="csv", header=True
            )
