"""Years beyond the mandates of the seed, and years before them."""

from datetime import date

import pytest

from datamarket.commands.demo.year import YearBeforeCity, YearWanted, simulate_years
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.checks import check_books
from datamarket.server.database import MarketDatabase
from datamarket.simulation.play import Player
from tests.world.trading import LEDGER_ID

ENTERPRISES, TRADES = 60, 200


async def terms(database: Database) -> tuple[date, date]:
    """The first and the last end of a mandate."""
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT min(term_to), max(term_to) FROM mandate")
    assert row is not None
    return row[0], row[1]


async def test_a_year_before_the_zones_had_mandates_is_refused_before_work_begins(city: Database) -> None:
    async with city.connection() as connection:
        before = await connection.fetchval("SELECT count(*) FROM audit_event")
    wanted = YearWanted(ENTERPRISES, TRADES, seed=7, stress=False)
    with pytest.raises(YearBeforeCity) as refused:
        await simulate_years(city, MarketDatabase(city.url, "", Settings()), [2030, 2023], wanted)
    assert refused.value.facts == {"year": 2023, "begun": date(2023, 12, 1)}
    async with city.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit_event") == before


async def test_a_later_year_is_played_for_the_authority_renews_mandates_in_time(city: Database) -> None:
    assert await terms(city) == (date(2027, 7, 1), date(2028, 7, 1))
    player = Player(city, LEDGER_ID, lambda *_: None)
    played = await player.play(2028, enterprises=ENTERPRISES, trades=TRADES, seed=7, stress=False)
    assert played.trades >= TRADES
    first, last = await terms(city)
    assert date(2029, 1, 1) <= first <= last <= date(2033, 7, 1)
    assert all(finding.holds for finding in await check_books(city.url, LEDGER_ID))
