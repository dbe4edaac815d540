"""A market in which everyone sells, and the same market grown by sets: the books hold, nobody is left out."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from datamarket.foundation.db import Database
from datamarket.server.checks import check_books
from datamarket.simulation import play
from datamarket.simulation.city import renew_registrations
from datamarket.simulation.play import Player
from datamarket.simulation.shapes import shapes
from loadtests import bulk
from tests.world.trading import LEDGER_ID

ENTERPRISES, TRADES, USES = 110, 600, 1_500
_SELLERS = """
SELECT p.id, count(DISTINCT t.contract_id) AS contracts, count(t.id) AS trades, sum(t.amount_fen)::bigint AS turnover
  FROM participant p LEFT JOIN trade t ON t.provider_id = p.id AND t.amount_fen > 0
 WHERE p.kind = 'enterprise' GROUP BY p.id ORDER BY turnover DESC NULLS LAST
"""
_COUNTS = """
SELECT (SELECT count(*) FROM participant WHERE kind = 'enterprise'), (SELECT count(*) FROM product),
       (SELECT count(*) FROM listing WHERE price_terms IS NULL), (SELECT count(*) FROM contract WHERE state = 'active' AND quota IS NULL)
"""


@pytest_asyncio.fixture(scope="module")
async def wide(city: Database) -> Database:
    """A year of a hundred and ten enterprises, as if a hundred were the most that need not all sell."""
    everyone = replace(shapes(), everyone_sells_above=ENTERPRISES - 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(play, "shapes", lambda: everyone)
        player = Player(city, LEDGER_ID, lambda *_: None)
        await player.play(2024, enterprises=ENTERPRISES, trades=TRADES, seed=7, stress=False)
    return city


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.connection() as connection:
        return list(await connection.fetch(statement))


async def test_where_there_are_many_each_sells_and_few_sell_much(wide: Database) -> None:
    sellers = await rows(wide, _SELLERS)
    assert len(sellers) == ENTERPRISES
    assert all(seller["contracts"] and seller["trades"] for seller in sellers)
    turnovers = [seller["turnover"] for seller in sellers]
    assert turnovers[0] > 20 * turnovers[len(turnovers) // 2]
    assert all(finding.holds for finding in await check_books(wide.url, LEDGER_ID))


async def test_a_market_grows_by_sets_as_by_hand(wide: Database) -> None:
    enterprises, products, listings, contracts = (await rows(wide, _COUNTS))[0]
    await bulk.grow(wide.url, LEDGER_ID, times=2, uses=USES)
    grown = (await rows(wide, _COUNTS))[0]
    assert grown[0] == 2 * enterprises - 1, "who is suspended is not copied"
    assert grown[1] - products == grown[2] - listings
    assert 0 < grown[3] - contracts <= contracts
    [used] = await rows(
        wide, "SELECT count(*) AS uses, count(DISTINCT contract_id) AS contracts FROM contract_use"
    )
    assert used["uses"] == USES
    assert used["contracts"] > contracts
    broken = [finding.check.id for finding in await check_books(wide.url, LEDGER_ID) if not finding.holds]
    assert broken == []


async def test_operators_renew_their_registrations_in_time_as_often_as_it_takes(wide: Database) -> None:
    [before] = await rows(wide, "SELECT min(valid_to), max(valid_to) FROM resource")
    assert before["max"] <= date(2026, 12, 31)
    await renew_registrations(wide, date(2031, 1, 1))
    [after] = await rows(
        wide, "SELECT min(valid_to), count(*) FILTER (WHERE state <> 'registered') FROM resource"
    )
    assert (after["min"] > date(2031, 1, 1), after["count"]) == (True, 0)
    assert await rows(wide, "SELECT 1 FROM contract_meter WHERE stopped_by = 'resource'") == []
