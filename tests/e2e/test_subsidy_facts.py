"""What counts as turnover: settled sales of the year on qualified venues between unrelated parties, net of refunds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from datamarket.foundation.clock import business_date, year_bounds
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen, half_up
from datamarket.participants.tables import Participant
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts.review import Flag
from datamarket.subsidy.facts.snapshot import TakenSnapshot
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.studies import drift
from datamarket.subsidy.terms import FactValue, LineStatus
from datamarket.trading.terms import Trade
from tests.world import catalogue
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.catalogue import FREE
from tests.world.participants import suspend
from tests.world.people import NOON
from tests.world.subsidy import AFTER_YEAR, YEAR, Officers
from tests.world.trading import LEDGER_ID, refund, trade

MARCH = datetime(YEAR, 3, 1, 4, tzinfo=UTC)
TO_CALCULATED = (RunEvent.SNAPSHOT, RunEvent.CALCULATE)
ONCE_PLANNED_FOR_ANY = 8
"""PostgreSQL plans the first five executions for their parameters; then it may keep a plan for any."""
A_RUN = new_id(NOON)
"""Facts are asked for a run; this one has claimed nothing."""


async def taken(
    database: Database, *, cutoff: datetime = AFTER_YEAR, now: datetime = AFTER_YEAR
) -> TakenSnapshot:
    """From the kept turnover; from every trade it is the same."""
    async with database.transaction() as session:
        year = snapshots.RunYear(LEDGER_ID, YEAR, cutoff, A_RUN)
        connection = await driver(session)
        kept = await snapshots.take(connection, year, as_of=now)
        counted = await snapshots.take(connection, year, as_of=now, turnover_from=TurnoverOrigin.TRADES)
    assert kept.turnover_from is TurnoverOrigin.KEPT
    assert replace(kept, turnover_from=counted.turnover_from, facts=counted.facts) == counted
    world.assert_months_add_up(kept)
    return kept


async def facts_of(database: Database, company: Participant) -> Mapping[str, FactValue]:
    found = await taken(database)
    return next(one.facts for one in found.snapshot.candidates if one.id == company.uscc)


async def calculated(database: Database, officers: Officers) -> tuple[SubsidyRun, list[SubsidyLine]]:
    run = await world.opened_run(database, officers)
    run = await world.moved(database, officers, run, *TO_CALCULATED)
    async with database.transaction() as session:
        return run, list(await run_queries.all_lines(session, run.id))


def turnover_lines(lines: list[SubsidyLine]) -> dict[str, SubsidyLine]:
    return {line.uscc: line for line in lines if line.clause_id == "top-ten-turnover"}


@pytest.mark.edge(42, part="a direct relation")
async def test_every_exclusion_is_a_sum_of_its_own_and_together_they_are_the_gross(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    sister = await world.enterprise(fresh_database)
    await world.controls(fresh_database, seller, sister, since=date(YEAR, 1, 1))
    agreement, [first, _] = await world.sells(on, seller, 1_000_000, 70_007, at=MARCH)
    await refund(fresh_database, agreement, first.id, Fen(123_456))
    await world.sells(on, seller, 500_001, to=sister, at=MARCH)
    await world.sells(on, seller, 900_000, venue=on.other_venue, at=MARCH)
    await world.sells(on, seller, 40, 60, plan=FREE, at=MARCH)
    facts = await facts_of(fresh_database, seller)
    assert facts["gross_turnover"] == 1_000_000 + 70_007 + 500_001 + 900_000
    assert facts["refunds"] == 123_456
    assert facts["related_party_turnover"] == 500_001
    assert facts["unqualified_venue_turnover"] == 900_000
    assert facts["net_platform_turnover"] == 1_000_000 + 70_007 - 123_456
    assert facts["free_trades"] == 2
    assert facts["contracts"] == 1
    assert facts["first_settled"] == "2024-03-01T04:00:00.000000+00:00"
    await calculated(fresh_database, Officers())
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(43)
async def test_a_common_controller_relates_two_and_only_from_the_day_it_began(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    group, seller, buyer = [await world.enterprise(fresh_database) for _ in range(3)]
    await world.controls(fresh_database, group, seller, since=date(YEAR, 1, 1))
    await world.controls(fresh_database, group, buyer, since=date(YEAR, 7, 1), until=date(YEAR, 9, 1))
    last_instant_before = datetime(YEAR, 6, 30, 15, 59, 59, tzinfo=UTC)
    first_instant_of_july = datetime(YEAR, 6, 30, 16, 0, tzinfo=UTC)
    first_instant_of_september = datetime(YEAR, 8, 31, 16, 0, tzinfo=UTC)
    await world.sells(on, seller, 100, to=buyer, at=last_instant_before)
    await world.sells(on, seller, 20, to=buyer, at=first_instant_of_july)
    await world.sells(on, seller, 3, to=buyer, at=first_instant_of_september)
    facts = await facts_of(fresh_database, seller)
    assert (facts["net_platform_turnover"], facts["related_party_turnover"]) == (103, 20)


@pytest.mark.edge(42, part="by a common controller")
async def test_two_controllers_of_the_same_pair_take_a_sale_off_once(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    one, other, seller, buyer = [await world.enterprise(fresh_database) for _ in range(4)]
    for group in (one, other):
        for company in (seller, buyer):
            await world.controls(fresh_database, group, company, since=date(YEAR, 1, 1))
    await world.sells(on, seller, 777, to=buyer, at=MARCH)
    facts = await facts_of(fresh_database, seller)
    assert (facts["gross_turnover"], facts["related_party_turnover"]) == (777, 777)


@pytest.mark.edge(26)
async def test_the_year_begins_and_ends_at_midnight_in_qingdao(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    start, end = year_bounds(YEAR)
    tick = timedelta(microseconds=1)
    _, trades = await world.sells(on, seller, 1, at=start - tick)
    for amount, at in ((20, start), (300, end - tick), (4_000, end)):
        await world.sells(on, seller, amount, at=at)
    assert business_date(trades[0].occurred_at) == date(YEAR - 1, 12, 31)
    assert (await facts_of(fresh_database, seller))["net_platform_turnover"] == 320


async def test_a_venue_counts_from_the_day_it_was_qualified(fresh_database: Database) -> None:
    async with fresh_database.transaction() as session:
        late = await catalogue.venue(session, qualified_from=date(YEAR, 5, 1))
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    first_of_may = datetime(YEAR, 4, 30, 16, 0, tzinfo=UTC)
    await world.sells(on, seller, 10, venue=late, at=first_of_may - timedelta(seconds=1))
    await world.sells(on, seller, 7, venue=late, at=first_of_may)
    facts = await facts_of(fresh_database, seller)
    assert (facts["net_platform_turnover"], facts["unqualified_venue_turnover"]) == (7, 10)


async def test_a_ring_of_sellers_is_shown_with_its_evidence_and_taken_off_nothing(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    a, b, c, honest = [await world.enterprise(fresh_database) for _ in range(4)]
    await world.sells(on, a, 900, 100, to=b, at=MARCH)
    await world.sells(on, b, 1_000, to=c, at=MARCH)
    await world.sells(on, c, 990, to=a, at=MARCH)
    await world.sells(on, honest, 5_000, to=a, at=MARCH)
    found = await taken(fresh_database)
    [ring] = found.rings
    assert ring["smallest_fen"] == 990
    assert {edge["seller"] for edge in ring["edges"]} == {a.uscc, b.uscc, c.uscc}
    assert next(edge for edge in ring["edges"] if edge["seller"] == a.uscc)["trades"] == 2
    officers = Officers()
    _, lines = await calculated(fresh_database, officers)
    by_company = turnover_lines(lines)
    assert by_company[a.uscc].base_fen == 1_000
    assert Flag.CIRCULAR in by_company[a.uscc].flags
    assert Flag.CIRCULAR not in by_company[honest.uscc].flags


@pytest.mark.edge(42, part="there and back")
async def test_selling_back_and_forth_is_a_ring_of_two(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    a, b = await world.enterprise(fresh_database), await world.enterprise(fresh_database)
    await world.sells(on, a, 500, to=b, at=MARCH)
    await world.sells(on, b, 400, to=a, at=MARCH)
    [ring] = (await taken(fresh_database)).rings
    assert ring["smallest_fen"] == 400
    assert len(ring["edges"]) == 2


async def test_a_suspended_leader_leaves_its_slot_to_the_eleventh(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    sellers = [await world.enterprise(fresh_database) for _ in range(11)]
    for place, seller in enumerate(sellers):
        await world.sells(on, seller, 10_000_000 - place, at=MARCH)
    async with fresh_database.transaction() as session:
        await suspend(session, sellers[0].id)
    _, lines = await calculated(fresh_database, Officers())
    by_company = turnover_lines(lines)
    leader, eleventh = by_company[sellers[0].uscc], by_company[sellers[10].uscc]
    assert (leader.status, leader.amount_fen) == (LineStatus.INELIGIBLE, 0)
    assert (eleventh.rank, eleventh.amount_fen) == (10, 100_000)


async def test_equal_turnovers_across_rank_ten_are_all_paid(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    sellers = [await world.enterprise(fresh_database) for _ in range(12)]
    for place, seller in enumerate(sellers):
        await world.sells(on, seller, 500_000 if place >= 9 else 900_000 + place, at=MARCH)
    _, lines = await calculated(fresh_database, Officers())
    paid = [line for line in turnover_lines(lines).values() if line.amount_fen]
    assert len(paid) == 12
    assert [line.uscc for line in lines if Flag.TIE in line.flags] == sorted(
        seller.uscc for seller in sellers[9:]
    )


@pytest.mark.edge(47)
async def test_cases_are_paid_held_or_refused_each_for_its_own_reason(fresh_database: Database) -> None:
    home = await world.enterprise(fresh_database)
    away = await world.enterprise(fresh_database, division="370102")
    cases = {
        "paid": await world.case(fresh_database, home, investment_fen=333_333_333),
        "capped": await world.case(fresh_database, home, investment_fen=333_333_335),
        "unverified": await world.case(fresh_database, home, verified=False),
        "elsewhere": await world.case(fresh_database, home, claimed_elsewhere="省级数据专项"),
        "provincial": await world.case(fresh_database, home, level="provincial"),
        "next year": await world.case(fresh_database, home, listed_on=date(YEAR + 1, 1, 1)),
        "last day": await world.case(fresh_database, home, listed_on=date(YEAR, 12, 31)),
        "away": await world.case(fresh_database, away),
    }
    _, lines = await calculated(fresh_database, Officers())
    by_code = {line.candidate_id: line for line in lines}
    found = {
        name: (line.status, line.amount_fen, line.cap_bound)
        for name, line in ((name, by_code[case.code]) for name, case in cases.items())
    }
    refused = (LineStatus.INELIGIBLE, 0, False)
    assert found == {
        "paid": (LineStatus.PROPOSED, 100_000_000, False),
        "capped": (LineStatus.PROPOSED, 100_000_000, True),
        "unverified": (LineStatus.HELD, 0, False),
        "elsewhere": refused,
        "provincial": refused,
        "next year": refused,
        "last day": (LineStatus.PROPOSED, 60_000_000, False),
        "away": refused,
    }


@pytest.mark.edge(28)
async def test_a_refund_before_the_cut_off_is_netted_and_a_later_one_only_drifts(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller, rival = await world.enterprise(fresh_database), await world.enterprise(fresh_database)
    agreement, [sale] = await world.sells(on, seller, 1_000_000, at=MARCH)
    await world.sells(on, rival, 800_000, at=MARCH)
    await refund(fresh_database, agreement, sale.id, Fen(100_000), at=AFTER_YEAR - timedelta(seconds=1))
    officers = Officers()
    run, lines = await calculated(fresh_database, officers)
    assert turnover_lines(lines)[seller.uscc].base_fen == 900_000
    late = AFTER_YEAR + timedelta(days=3)
    await refund(fresh_database, agreement, sale.id, Fen(300_000), at=late)
    async with fresh_database.transaction() as session:
        view = await run_queries.get_run(session, run.id)
        found = await drift.drift_of(session, view, now=late + timedelta(days=1))
        assert (await dossier.result_of(session, view)).sha256 == run.result_sha256
    assert found.drifted
    assert [(base.candidate, base.before_fen, base.after_fen) for base in found.bases] == [
        (seller.uscc, 900_000, 600_000)
    ]
    assert found.comparison.delta_fen == -3_000
    await assert_books_hold(fresh_database.url)


async def test_equal_books_give_the_same_snapshot_and_no_id_stands_in_it(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    sellers = [await world.enterprise(fresh_database) for _ in range(3)]
    for seller in sellers:
        await world.sells(on, seller, 1_000, at=MARCH)
    first, second = await taken(fresh_database), await taken(fresh_database)
    assert first.snapshot.sha256 == second.snapshot.sha256
    document = str(first.snapshot.to_json())
    assert not any(str(seller.id) in document for seller in sellers)


async def test_the_evaluator_agrees_with_a_plain_oracle_over_the_trades(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    sellers = [await world.enterprise(fresh_database) for _ in range(13)]
    trades: dict[str, list[Trade]] = {}
    for place, seller in enumerate(sellers):
        amounts = [7_919 * (place + 3) ** 3 % 900_001 + 1, 104_729 * (place + 1) % 700_001 + 1]
        _, trades[seller.uscc] = await world.sells(on, seller, *amounts, at=MARCH)
    _, lines = await calculated(fresh_database, Officers())
    turnover = {uscc: sum(trade.amount_fen for trade in sold) for uscc, sold in trades.items()}
    tenth = sorted(turnover.values(), reverse=True)[9]
    expected = {
        uscc: min(half_up(fen * Fraction(1, 100)), 20_000_000) if fen >= tenth else 0
        for uscc, fen in turnover.items()
    }
    found = turnover_lines(lines)
    assert {uscc: found[uscc].amount_fen for uscc in expected} == expected


async def test_the_kept_turnover_is_left_where_a_contracts_trades_do_not_count_alike(
    fresh_database: Database,
) -> None:
    """Within the year: another year's trades, a relation that begins and ends, refunds on both sides of the cut-off."""
    on = await world.stage(fresh_database)
    seller, friend = await world.enterprise(fresh_database), await world.enterprise(fresh_database)
    last_year, june, late = (
        MARCH.replace(year=YEAR - 1),
        MARCH.replace(month=6),
        AFTER_YEAR + timedelta(days=3),
    )
    agreement, trades = await world.sells(on, seller, 50, 1_000, 700, at=MARCH)
    for at, amount in ((last_year, 9), (june, 300)):
        trades.append(await trade(fresh_database, agreement, amount, at=at))
    befriended, _ = await world.sells(on, seller, 5_000, to=friend, at=MARCH)
    for month in (6, 9):
        await trade(fresh_database, befriended, 60_000, at=MARCH.replace(month=month))
    await world.controls(fresh_database, seller, friend, since=date(YEAR, 5, 1), until=date(YEAR, 8, 1))
    for place, amount, at in (
        (0, 50, AFTER_YEAR - timedelta(days=4)),
        (1, 1, june),
        (2, 700, late),
        (4, 2, late),
    ):
        await refund(fresh_database, agreement, trades[place].id, Fen(amount), at=at)
    facts = await facts_of(fresh_database, seller)
    assert facts["related_party_turnover"] == 60_000
    assert facts["refunds"] == 51
    assert facts["net_platform_turnover"] == 50 + 1_000 + 700 + 300 - 51 + 5_000 + 60_000
    after = next(
        one.facts
        for one in (await taken(fresh_database, cutoff=late + timedelta(days=1))).snapshot.candidates
        if one.id == seller.uscc
    )
    assert after["refunds"] == 51 + 702
    await assert_books_hold(fresh_database.url)


async def test_a_run_says_from_what_its_turnover_was_read(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    run, _ = await calculated(fresh_database, Officers())
    assert run.turnover_from == TurnoverOrigin.KEPT
    async with fresh_database.transaction() as session:
        document = await dossier.document_of(session, await run_queries.get_run(session, run.id))
    [note] = [note for note in document["notes"] if note["code"] == "turnover-from"]
    assert ("按月累计数" in note["zh"], "kept monthly turnover" in note["en"]) == (True, True)
    partial = snapshots.RunYear(LEDGER_ID, YEAR, MARCH + timedelta(days=30), A_RUN)
    async with fresh_database.transaction() as session:
        part = await snapshots.take(await driver(session), partial, as_of=AFTER_YEAR)
    assert part.turnover_from is TurnoverOrigin.TRADES
    assert part.facts["net_platform_turnover"]["version"] == 4


async def test_turnover_and_rings_are_one_reading_and_it_is_planned_for_its_year_however_often(
    fresh_database: Database,
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    year = snapshots.RunYear(LEDGER_ID, YEAR, AFTER_YEAR, A_RUN)
    plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE $1"
    async with fresh_database.transaction() as session:
        connection = await driver(session)
        for _ in range(ONCE_PLANNED_FOR_ANY):
            found = await snapshots.take(connection, year, as_of=AFTER_YEAR)
        planned = [tuple(row) for row in await connection.fetch(plans, "%monthly_turnover%")]
    assert planned == [(ONCE_PLANNED_FOR_ANY, 0)] * 2  # turnover with its rings; sums by month
    assert found.facts["circular_turnover"] == found.facts["net_platform_turnover"]
