"""The whole journey: the city's files, a year of trade, settled books, both subsidies, each line explained."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random

import pytest

from datamarket.auth.terms import Actor
from datamarket.commands.demo.contract_years import play_contract_years
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.db import Database
from datamarket.foundation.ids import seeded_ids
from datamarket.server.checks import check_books
from datamarket.simulation import queries
from datamarket.simulation.city import Loader, SeedFaulty, size_of
from datamarket.simulation.plan import Planner, YearPlan
from datamarket.simulation.play import Player
from datamarket.simulation.shapes import shapes
from datamarket.statistics import queries as statistics
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.whole import run_whole
from datamarket.subsidy.terms import LineStatus
from tests.world.subsidy import PAPERS
from tests.world.trading import LEDGER_ID, NOTARY


async def officers(database: Database) -> Sequence[Actor]:
    async with database.transaction() as session:
        offices = await queries.offices(session)
    return [offices[name] for name in ("authority", "authority2", "authority3", "finance", "finance2")]


async def traded_in(database: Database) -> object:
    async with database.transaction() as session:
        return (await statistics.turnover_by_year(session, LEDGER_ID))[2024]


async def test_a_city_trades_a_year_and_pays_its_subsidies(
    fresh_database: Database, seed_folder: Path
) -> None:
    loaded: list[int] = []
    with seeded_ids(7):
        loader = Loader(
            fresh_database,
            seed_folder,
            PAPERS,
            "a password of this test",
            lambda _, done: loaded.append(done),
        )
        city = await loader.load()
        player = Player(fresh_database, LEDGER_ID, lambda _kind, _count: None)
        played = await player.play(2024, enterprises=110, trades=600, seed=7, stress=True)
        calculator, reviewer, approver, payer, cashier = await officers(fresh_database)
        run = await run_whole(
            fresh_database,
            year=2024,
            calculator=calculator,
            reviewer=reviewer,
            approver=approver,
            payer=payer,
            cashier=cashier,
            now=start_of_day(date(2025, 3, 3)),
            ledger_id=LEDGER_ID,
        )
        traded = await traded_in(fresh_database)
        years = await play_contract_years(fresh_database, LEDGER_ID, NOTARY, 2025)
    assert [year.kind for year in years if year.agrees] == list(ContractKind)
    assert await traded_in(fresh_database) == traded, "contracts of the year after change nothing of this one"
    assert sum(loaded) == size_of(seed_folder)
    assert (len(city.zones), city.listings) == (8, 99 + 384 + 5)
    assert all(finding.holds for finding in await check_books(fresh_database.url, LEDGER_ID))
    async with fresh_database.transaction() as session:
        tables = await dossier.award_tables(session, run.id)
    cases, turnover = tables.clauses
    assert [told.line.cap_bound for told in turnover.awards[:3]] == [True, True, True]
    assert {told.line.amount_fen for told in turnover.awards[:3]} == {20_000_000}
    tied = [told.line for told in turnover.awards if told.line.rank == 10]
    assert {line.uscc for line in tied} == set(played.tied or ())
    assert len({line.base_fen for line in tied}) == 1
    assert [told.line.amount_fen for told in cases.awards[:2]] == [60_000_000, 100_000_000]
    refused = {(told.line.clause_id, told.line.uscc): told for told in tables.refused}
    suspended = refused["top-ten-turnover", played.suspended or ""]
    assert suspended.line.status == LineStatus.INELIGIBLE
    assert "资格未被暂停" in suspended.explanation.zh
    assert "not suspended" in suspended.explanation.en


async def test_the_same_seed_plans_the_same_year(city: Database) -> None:
    async with city.transaction() as session:
        known = await queries.enterprises(session, "3702")
        shelves = await queries.shelves(session)
        affiliated = await queries.affiliated(session)

    def planned(seed: int) -> YearPlan:
        planner = Planner(
            Random(seed), shapes(), 2024, enterprises=known, shelves=shelves, affiliated=affiliated
        )
        return planner.make(2000, stress=False)

    assert planned(7) == planned(7)
    assert planned(7).trades != planned(8).trades
    for seed in range(5):
        year = planned(seed)
        assert year.tied is not None
        assert year.suspended is not None
        free = [trade for trade in year.trades if not year.contracts[trade.contract].amount]
        assert free
        assert any(trade.refund_at and trade.refund_at > year.trades[-1].at for trade in year.trades)
        assert 20_000_000_00 < sum(contract.amount for contract in year.contracts) < 40_000_000_00


async def test_a_faulty_file_names_itself(fresh_database: Database, tmp_path: Path) -> None:
    (tmp_path / "participants.csv").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(SeedFaulty, match=r"participants\.csv"):
        await Loader(
            fresh_database, tmp_path, tmp_path, "a password of this test", lambda _stage, _done: None
        ).load()
