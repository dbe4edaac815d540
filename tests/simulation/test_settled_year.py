"""After a year was played: income paid out and one payment bounced, months closed, and two cities' books kept apart."""

from pathlib import Path
from typing import Any

from datamarket.foundation.db import Database
from datamarket.foundation.ids import seeded_ids
from datamarket.server.checks import check_books
from datamarket.simulation.play import Player
from datamarket.simulation.second_city import SecondLoader, play_second_city
from datamarket.simulation.settling import settle_year
from datamarket.statistics import queries as statistics
from tests.world.people import NOON
from tests.world.trading import LEDGER_ID

_BALANCE = """
SELECT a.ledger_id, sum(b.debit_fen)::bigint AS debit, sum(b.credit_fen)::bigint AS credit,
       sum(b.debit_fen - b.credit_fen) FILTER (WHERE a.kind = 'city_clearing') AS clearing,
       sum(b.debit_fen - b.credit_fen) FILTER (WHERE a.kind = 'payout_in_transit') AS transit
  FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
 GROUP BY a.ledger_id ORDER BY a.ledger_id
"""
_BOUNCED = """
SELECT p.ledger_id, p.payee_code, EXISTS (SELECT FROM payout q WHERE q.ledger_id = p.ledger_id AND q.account_id = p.account_id
       AND q.state = 'executed' AND q.id > p.id) AS paid_again
  FROM payout p JOIN payout_batch b ON b.ledger_id = p.ledger_id AND b.id = p.batch_id
 WHERE p.state = 'refused' AND b.day = '2024-04-06' AND p.account_kind = 'provider_income' ORDER BY p.ledger_id, p.position
"""


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.connection() as connection:
        return list(await connection.fetch(statement))


async def test_two_cities_pay_out_close_their_months_and_balance_apart(
    city: Database, seed_folder: Path, tmp_path: Path
) -> None:
    with seeded_ids(7):
        player = Player(city, LEDGER_ID, lambda *_: None)
        await player.play(2024, enterprises=100, trades=300, seed=7, stress=False)
        loader = SecondLoader(city, seed_folder, tmp_path, "a password of this test", lambda *_: None)
        second = await play_second_city(city, loader, LEDGER_ID, year=2024)
        async with city.transaction() as session:
            before = await statistics.count_market(session, LEDGER_ID, now=NOON)
        settled = [
            await settle_year(city, ledger, lambda *_: None, year=2024, seed=7)
            for ledger in (LEDGER_ID, second.ledger_id)
        ]
    assert (second.ledger_id, second.trades, second.gross_fen) == (370100, 24, 3300 * 1250)
    assert [one.months for one in settled] == [12, 12]
    assert all(one.executed > one.refused >= 1 for one in settled)
    other, home = await rows(city, _BALANCE)
    for books in (other, home):
        assert books["debit"] == books["credit"] > 0
        assert (books["clearing"], books["transit"]) == (0, 0)
    assert home["debit"] > 10 * other["debit"]
    bounced = await rows(city, _BOUNCED)
    assert {row["ledger_id"] for row in bounced} == {370100, LEDGER_ID}
    assert bounced[0]["paid_again"]
    assert bounced[-1]["paid_again"]
    periods = await rows(city, "SELECT ledger_id, id FROM ledger_period WHERE state = 'closed' ORDER BY 1, 2")
    closed = [(ledger, 202400 + month) for ledger in (370100, LEDGER_ID) for month in range(1, 13)]
    assert [tuple(row) for row in periods if row["id"] > 202400] == closed
    async with city.transaction() as session:
        after = await statistics.count_market(session, LEDGER_ID, now=NOON)
    assert after.treasury_income_fen == before.treasury_income_fen > 0, (
        "paid to the treasury, it is income still"
    )
    for ledger in (LEDGER_ID, second.ledger_id):
        assert all(finding.holds for finding in await check_books(city.url, ledger))
