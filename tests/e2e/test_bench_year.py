"""The bench of a year, in short: the market that it grows is whole, and either origin gives the same result."""

from datamarket.foundation.db import Database
from datamarket.server.checks import check_books
from loadtests.bench_year import year_of
from tests.world.trading import LEDGER_ID


async def test_a_grown_year_gives_the_same_result_from_either_origin(fresh_database: Database) -> None:
    report = await year_of(fresh_database.url, sellers=60, trades=900)
    assert report["origins_agree"]
    assert report["lines"] == 63  # with the two and the buyer that the copies were made from
    findings = {found.check.id: found for found in await check_books(fresh_database.url, LEDGER_ID)}
    assert findings["I17"].holds
    assert findings["I17"].seen >= 180
