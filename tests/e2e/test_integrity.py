"""Planted schemes are all found, and of honest enterprises fewer than one in a hundred is flagged."""

from datetime import date, timedelta

import pytest

from datamarket.foundation.db import Database, driver
from datamarket.subsidy.integrity import detectors
from tests.world import planted
from tests.world.planted import END
from tests.world.subsidy import YEAR
from tests.world.trading import LEDGER_ID


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_year_of_mixed_trade(fresh_database: Database, seed: int) -> None:
    year = planted.honest_year(seed, enterprises=300, trades=9_000)
    planted.plant(year)
    await planted.write(fresh_database, year)
    rules = detectors.parameters_on(date(YEAR, 12, 31))
    async with fresh_database.transaction() as session:
        found, cut_short = await detectors.find(
            await driver(session), LEDGER_ID, YEAR, rules, as_of=END + timedelta(days=120)
        )
    judged = planted.judged(year, found)
    assert (judged.missed, cut_short) == ({}, [])
    assert len(judged.honest) < 0.01 * len(year.enterprises)
    assert min(judged.found.values()) >= planted.EACH
