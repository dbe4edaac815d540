"""A run from snapshot to bank: separate duties, one posting, one decision, and a replay years later."""

import asyncio
import gc
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from datamarket.auth.terms import Actor, Role
from datamarket.foundation import checks as recomputed
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.errors import MarketError
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.subsidy.evaluator.ranking import TieAtCut
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register import tables as register_tables
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import calculation, dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs import rules as run_rules
from datamarket.subsidy.runs import tables as run_tables
from datamarket.subsidy.runs import whole as run_whole
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent, RunState
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.replay import replay_run
from datamarket.subsidy.terms import Result, Snapshot
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, YEAR, Officers
from tests.world.trading import LEDGER_ID


async def assert_i13_holds(database: Database) -> None:
    owner = await asyncpg.connect(database.url)
    try:
        findings = await recomputed.run(owner, LEDGER_ID, recomputed.of_room("datamarket.subsidy.runs"))
    finally:
        await owner.close()
    assert all(finding.holds for finding in findings), findings
    assert all(finding.seen for finding in findings)


async def test_a_whole_run_goes_through_all_hands_and_leaves_the_payable_at_zero(
    fresh_database: Database,
) -> None:
    first, second = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await run_whole.run_whole(
        fresh_database,
        year=YEAR,
        calculator=officers.calculator,
        reviewer=officers.reviewer,
        approver=officers.approver,
        payer=officers.payer,
        cashier=officers.cashier,
        now=AFTER_YEAR,
        ledger_id=LEDGER_ID,
    )
    expected = 200_000 + 100_001 + 60_000_000
    assert (RunState(run.state), run.total_fen) == (RunState.CLOSED, expected)
    assert (
        await balance_of(fresh_database, AccountKey(LEDGER_ID, None, AccountKind.SUBSIDY_EXPENSE)) == expected
    )
    for company in (first, second):
        payable = AccountKey(LEDGER_ID, company.id, AccountKind.SUBSIDY_PAYABLE)
        assert await balance_of(fresh_database, payable) == 0
    async with fresh_database.transaction() as session:
        happened = await run_queries.list_run_events(session, run.id, page=PageAsked(20))
        shown = await dossier.award_tables(session, run.id)
        found = await replay_run(session, run.id)
    assert [event.event for event in happened] == [
        event for event in RunEvent if event not in {RunEvent.REJECT, RunEvent.CANCEL, RunEvent.SUPERSEDE}
    ]
    assert [clause.total_fen for clause in shown.clauses] == [60_000_000, 300_001]
    assert "200,000.00" in shown.clauses[1].awards[0].explanation.zh
    assert found.agrees
    await assert_i13_holds(fresh_database)
    await assert_books_hold(fresh_database.url)


@pytest.mark.edge(56, part="of one run at once")
async def test_two_approvals_at_once_approve_once(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    others = [officers.approver, actor(Role.FINANCE)]

    async def approve(officer: Actor) -> SubsidyRun | MarketError:
        try:
            async with fresh_database.transaction() as session:
                locked = await run_queries.lock_run(session, run.id)
                return await run_actions.move_run(
                    session, officer, locked, RunEvent.APPROVE, now=AFTER_PUBLICITY
                )
        except MarketError as refusal:
            return refusal

    outcomes = await asyncio.gather(*(approve(other) for other in others))
    assert sum(isinstance(outcome, SubsidyRun) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, TransitionNotAllowed) for outcome in outcomes) == 1


@pytest.mark.edge(55, part="a double click")
async def test_two_postings_at_once_post_each_line_once(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    outcomes = await asyncio.gather(
        *(world.moved(fresh_database, officers, run, RunEvent.POST, now=AFTER_PUBLICITY) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, TransitionNotAllowed) for outcome in outcomes) == 1
    payable = AccountKey(LEDGER_ID, first.id, AccountKind.SUBSIDY_PAYABLE)
    assert await balance_of(fresh_database, payable) == -60_200_000
    await assert_i13_holds(fresh_database)


@pytest.mark.edge(57)
async def test_the_same_account_cannot_review_or_approve_what_it_calculated(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    busy = actor(Role.AUTHORITY)
    alone = Officers(busy, busy, busy, actor(Role.FINANCE))
    with pytest.raises(run_rules.RunDutiesNotSeparate):
        await world.publicised(fresh_database, alone)
    two = Officers(busy, actor(Role.AUTHORITY), busy, actor(Role.FINANCE))
    async with fresh_database.transaction() as session:
        [half_way] = await run_queries.list_runs(
            session, scheme=CITY, year=YEAR, state=RunState.UNDER_REVIEW, page=PageAsked(1)
        )
    run = await world.moved(fresh_database, two, half_way.run, RunEvent.PUBLICISE)
    for officer in (busy, two.reviewer):
        with pytest.raises(run_rules.RunDutiesNotSeparate):
            await world.moved(
                fresh_database, Officers(approver=officer), run, RunEvent.APPROVE, now=AFTER_PUBLICITY
            )


async def test_no_approval_before_the_publicity_has_ended(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    assert (run.publicity_from, run.publicity_to) == (AFTER_YEAR.date(), date(2025, 1, 26))
    with pytest.raises(run_rules.RunPublicityRunning):
        await world.moved(
            fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY - timedelta(microseconds=1)
        )
    approved = await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    assert approved.approved_by == officers.approver.account_id


@pytest.mark.edge(53)
async def test_an_approval_beyond_the_budget_is_refused_and_takes_nothing(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    total = run.total_fen or 0

    async def budget(fen: int) -> register_tables.SubsidyBudget:
        async with fresh_database.transaction() as session:
            before = await register_queries.lock_budget(session, CITY, YEAR)
            return await register_actions.set_budget(
                session,
                officers.payer,
                before,
                scheme_id=CITY,
                year=YEAR,
                amount_fen=fen,
                now=AFTER_YEAR,
            )

    await budget(total - 1)
    with pytest.raises(register_tables.BudgetShort):
        await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    await budget(total)
    await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    with pytest.raises(register_tables.BudgetShort):
        await budget(total - 1)
    assert (await budget(total + 5)).committed_fen == total


@pytest.mark.edge(54)
async def test_equal_inputs_are_not_calculated_twice_and_a_new_run_may_replace_the_old(
    fresh_database: Database,
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    old = await world.publicised(fresh_database, officers)
    twin = await world.opened_run(fresh_database, officers)
    twin = await world.moved(fresh_database, officers, twin, RunEvent.SNAPSHOT)
    assert twin.snapshot_id == old.snapshot_id
    with pytest.raises(run_tables.RunCalculatedAlready):
        await world.moved(fresh_database, officers, twin, RunEvent.CALCULATE)
    await world.moved(fresh_database, officers, old, RunEvent.REJECT, reason="核对", now=AFTER_YEAR)
    twin = await world.moved(fresh_database, officers, twin, RunEvent.CALCULATE)
    assert twin.result_sha256 == old.result_sha256
    later = AFTER_YEAR + timedelta(days=1)
    new = await world.opened_run(fresh_database, officers, supersedes=twin.id, now=later)
    new = await world.moved(fresh_database, officers, new, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=later)
    async with fresh_database.transaction() as session:
        replaced = (await run_queries.get_run(session, twin.id)).run
    assert (replaced.state, replaced.superseded_by_id) == (RunState.SUPERSEDED, new.id)
    assert new.result_sha256 == old.result_sha256


async def test_a_year_that_is_not_over_has_no_snapshot(fresh_database: Database) -> None:
    officers = Officers()
    run = await world.opened_run(
        fresh_database, officers, cutoff=datetime(YEAR, 12, 31, 15, 59, 59, tzinfo=UTC)
    )
    with pytest.raises(calculation.YearNotOver):
        await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT)
    ahead = await world.opened_run(fresh_database, officers, cutoff=AFTER_YEAR + timedelta(seconds=1))
    with pytest.raises(calculation.CutoffAhead):
        await world.moved(fresh_database, officers, ahead, RunEvent.SNAPSHOT)


async def test_shipped_schemes_are_loaded_once(fresh_database: Database) -> None:
    officers = Officers()

    counts = []
    for _ in range(2):
        async with fresh_database.transaction() as session:
            loaded = await register_actions.load_shipped_schemes(session, officers.approver, now=AFTER_YEAR)
            counts.append(len(loaded))
    assert counts == [1, 0]


async def test_nobody_looks_for_cycles_while_lines_are_made_and_afterwards_whoever_did(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers, seen = Officers(), []

    def tied(scheme: Scheme, snapshot: Snapshot, year: int) -> Result:
        seen.append(gc.isenabled())
        if len(seen) == 1:
            raise TieAtCut(clause="any", top=10, tied=2, candidates="A, B")
        return evaluate(scheme, snapshot, year)

    monkeypatch.setattr(calculation, "evaluate", tied)
    run = await world.opened_run(fresh_database, officers)
    run = await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT)
    with pytest.raises(TieAtCut):
        await world.moved(fresh_database, officers, run, RunEvent.CALCULATE)
    assert gc.isenabled()
    await world.moved(fresh_database, officers, run, RunEvent.CALCULATE)
    assert (seen, gc.isenabled()) == ([False, False], True)
