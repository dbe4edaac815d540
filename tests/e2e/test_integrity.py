"""Planted schemes are all found, fewer than one in a hundred of the honest is flagged, and only what is confirmed is taken off."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from datamarket.foundation import checks as recomputed
from datamarket.foundation.db import Database, PageAsked, driver, owner_connection
from datamarket.foundation.ids import new_id
from datamarket.participants.tables import Participant
from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts.terms import TurnoverOrigin
from datamarket.subsidy.integrity import actions, detectors, queries
from datamarket.subsidy.integrity.terms import FlagEvent
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import declared, planted, subsidy
from tests.world.books import assert_books_hold
from tests.world.people import moment
from tests.world.planted import DAY, END
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers
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


async def test_a_confirmed_ring_is_taken_off_whichever_way_turnover_is_read_and_a_dismissed_one_is_not(
    fresh_database: Database,
) -> None:
    on, officers = await subsidy.stage(fresh_database), Officers()
    members = [await subsidy.enterprise(fresh_database) for _ in range(3)]
    for place, seller in enumerate(members):
        await subsidy.sells(on, seller, 5_000_000, to=members[(place + 1) % 3], at=MARCH)
    deal, _ = await subsidy.sells(on, members[0], 700, at=MARCH)
    await subsidy.detected(fresh_database, officers)
    assert await bases(fresh_database, members) == [(5_000_700, 0), (5_000_000, 0), (5_000_000, 0)]
    await judged(fresh_database, officers, FlagEvent.DISMISS)
    assert await bases(fresh_database, members) == [(5_000_700, 0), (5_000_000, 0), (5_000_000, 0)]
    await judged(fresh_database, officers, FlagEvent.REOPEN, FlagEvent.CONFIRM)
    assert await bases(fresh_database, members) == [(700, 5_000_000), (0, 5_000_000), (0, 5_000_000)]
    run = await subsidy.opened_run(fresh_database, officers)
    await subsidy.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
    async with fresh_database.transaction() as session:
        lines = await run_queries.all_lines(session, run.id)
    told = [
        step["flagged_turnover_fen"]
        for line in lines
        for step in line.steps
        if "flagged_turnover_fen" in step
    ]
    assert told == [5_000_000] * 3
    assert deal.provider.id == members[0].id
    await assert_books_hold(fresh_database.url)
    async with owner_connection(fresh_database.url) as owner:
        await owner.execute("UPDATE integrity_flag SET state = 'dismissed' WHERE state = 'confirmed'")
        checks = recomputed.of_room("datamarket.subsidy.runs")
        named = {finding.check.id: finding for finding in await recomputed.run(owner, LEDGER_ID, checks)}
        await owner.execute("UPDATE integrity_flag SET state = 'confirmed' WHERE state = 'dismissed'")
    assert [breach.partition(": ")[2] for breach in named["I19"].breaches] == ["state (not sealed yet)"]


async def test_a_confirmed_double_claim_lowers_the_later_projects_award_and_says_so(
    fresh_database: Database,
) -> None:
    officers = Officers()
    first, later = await subsidy.enterprise(fresh_database), await subsidy.enterprise(fresh_database)
    cases = [
        await subsidy.case(fresh_database, owner, investment_fen=100_000_000, at=MARCH)
        for owner in (first, later)
    ]
    bill = declared.number()
    one = [await declared.invoice(fresh_database, first, 100_000_000, of=bill)]
    made = await declared.submitted(
        fresh_database, first, cases[0], 100_000_000, one, now=AFTER_YEAR - 3 * DAY
    )
    two = [
        await declared.invoice(fresh_database, later, 40_000_000, of=bill),
        await declared.invoice(fresh_database, later, 60_000_000),
    ]
    await declared.submitted(
        fresh_database, later, cases[1], 100_000_000, two, under=made, now=AFTER_YEAR - 2 * DAY
    )
    await subsidy.detected(fresh_database, officers, now=AFTER_YEAR - 2 * DAY)
    awards = []
    for events in ((), (FlagEvent.CONFIRM,)):
        await judged(fresh_database, officers, *events)
        run = await subsidy.opened_run(fresh_database, officers)
        await subsidy.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE)
        async with fresh_database.transaction() as session:
            lines = {line.candidate_id: line for line in await run_queries.all_lines(session, run.id)}
        awards.append([(lines[case.code].base_fen, lines[case.code].amount_fen) for case in cases])
    assert awards == [
        [(100_000_000, 30_000_000), (100_000_000, 30_000_000)],
        [(100_000_000, 30_000_000), (60_000_000, 18_000_000)],
    ]
    async with fresh_database.transaction() as session:
        scheme = await dossier.scheme_of(session, run.scheme_version_id)
    told = explain(dossier.line_of(lines[cases[1].code]), scheme, YEAR)
    assert "已剔除已确认疑点所涉投资额 400,000.00 元" in told.zh
    assert "investment of confirmed flags of 400,000.00" in told.en
    await assert_books_hold(fresh_database.url)


async def bases(database: Database, members: list[Participant]) -> list[tuple[int, int]]:
    """Base and what flags took off it, of each; the same from every trade and from what is kept."""
    year = snapshots.RunYear(LEDGER_ID, YEAR, AFTER_YEAR, new_id(moment()))
    async with database.transaction() as session:
        taken = [
            await snapshots.take(await driver(session), year, as_of=AFTER_YEAR, turnover_from=origin)
            for origin in TurnoverOrigin
        ]
    assert taken[0].snapshot == taken[1].snapshot
    facts = {candidate.id: candidate.facts for candidate in taken[0].snapshot.candidates}
    return [
        (int(facts[member.uscc]["net_platform_turnover"]), int(facts[member.uscc].get("flagged_turnover", 0)))
        for member in members
    ]


async def judged(database: Database, officers: Officers, *events: FlagEvent) -> None:
    async with database.transaction() as session:
        page = PageAsked[UUID](5, None)
        [flag] = await queries.list_flags(
            session, LEDGER_ID, year=YEAR, state=None, detector=None, participant=None, page=page
        )
        for event in events:
            await actions.judge_flag(
                session, officers.reviewer, flag, event, reason="核查", now=AFTER_YEAR - DAY
            )
