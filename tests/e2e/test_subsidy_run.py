"""A run from snapshot to bank: separate duties, one posting, one decision, and a replay years later."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError, IntegrityError

from datamarket.auth.terms import Actor, Role
from datamarket.foundation import checks as recomputed
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.errors import MarketError
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.participants.tables import Participant
from datamarket.subsidy.cases import tables as case_tables
from datamarket.subsidy.facts import statements as facts
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register import tables as register_tables
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import calculation, dossier, payment
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs import rules as run_rules
from datamarket.subsidy.runs import tables as run_tables
from datamarket.subsidy.runs import whole as run_whole
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent, RunState
from datamarket.subsidy.studies.replay import replay_run
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.participants import suspend
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, YEAR, Officers
from tests.world.trading import LEDGER_ID

MARCH = datetime(YEAR, 3, 1, 4, tzinfo=UTC)


async def two_sellers_and_a_case(database: Database) -> tuple[Participant, Participant]:
    on = await world.stage(database)
    first, second = await world.enterprise(database), await world.enterprise(database)
    await world.sells(on, first, 20_000_000, at=MARCH)
    await world.sells(on, second, 10_000_050, at=MARCH)
    await world.case(database, first)
    return first, second


@pytest_asyncio.fixture(scope="module")
async def publicised_database(server_url: str, worker_id: str) -> AsyncIterator[Database]:
    """A market with one publicised run, for what may not change it."""
    name = f"datamarket_subsidy_{worker_id}"
    await drop_database(server_url, name)
    url = await create_database(server_url, name)
    await migrate(url)
    opened = await Database(url, 4).open()
    await two_sellers_and_a_case(opened)
    await world.publicised(opened, Officers())
    yield opened
    await opened.close()
    await drop_database(server_url, name)


async def balance_of(database: Database, account: AccountKey) -> int:
    async with database.connection() as connection:
        found = await connection.fetchval(
            "SELECT debit_fen - credit_fen FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2",
            account.ledger_id,
            account.id,
        )
    return int(found or 0)


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
    first, second = await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await run_whole.run_whole(
        fresh_database,
        year=YEAR,
        calculator=officers.calculator,
        reviewer=officers.reviewer,
        approver=officers.approver,
        payer=officers.payer,
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


async def test_two_approvals_at_once_approve_once(fresh_database: Database) -> None:
    await two_sellers_and_a_case(fresh_database)
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


async def test_two_postings_at_once_post_each_line_once(fresh_database: Database) -> None:
    first, _ = await two_sellers_and_a_case(fresh_database)
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


async def test_the_database_itself_keeps_the_three_hands_apart(fresh_database: Database) -> None:
    await two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    async with fresh_database.connection() as connection:
        for column in ("calculated_by", "reviewed_by"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await connection.execute(
                    f"UPDATE subsidy_run SET approved_by = {column} WHERE id = $1",  # noqa: S608 - a constant
                    run.id,
                )
            assert getattr(caught.value, "constraint_name", None) == "subsidy_run_duties_separate"


async def test_the_same_account_cannot_review_or_approve_what_it_calculated(fresh_database: Database) -> None:
    await two_sellers_and_a_case(fresh_database)
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
    await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    assert (run.publicity_from, run.publicity_to) == (AFTER_YEAR.date(), date(2025, 1, 27))
    with pytest.raises(run_rules.RunPublicityRunning):
        await world.moved(
            fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY - timedelta(microseconds=1)
        )
    approved = await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    assert approved.approved_by == officers.approver.account_id


async def test_an_awardee_suspended_since_the_calculation_stops_the_approval(
    fresh_database: Database,
) -> None:
    first, _ = await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    async with fresh_database.transaction() as session:
        await suspend(session, first.id)
    with pytest.raises(payment.AwardeeSuspended):
        await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)


async def test_an_approval_beyond_the_budget_is_refused_and_takes_nothing(fresh_database: Database) -> None:
    await two_sellers_and_a_case(fresh_database)
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


async def test_equal_inputs_are_not_calculated_twice_and_a_new_run_may_replace_the_old(
    fresh_database: Database,
) -> None:
    await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    old = await world.publicised(fresh_database, officers)
    twin = await world.opened_run(fresh_database, officers)
    twin = await world.moved(fresh_database, officers, twin, RunEvent.SNAPSHOT)
    assert twin.snapshot_id == old.snapshot_id
    with pytest.raises(run_tables.RunCalculatedAlready):
        await world.moved(fresh_database, officers, twin, RunEvent.CALCULATE)
    later = AFTER_YEAR + timedelta(days=1)
    new = await world.opened_run(fresh_database, officers, supersedes=old.id, now=later)
    new = await world.moved(fresh_database, officers, new, RunEvent.SNAPSHOT, RunEvent.CALCULATE, now=later)
    async with fresh_database.transaction() as session:
        assert (await run_queries.get_run(session, old.id)).run.state == RunState.SUPERSEDED
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


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE subsidy_line SET amount_fen = amount_fen + 1",
        "DELETE FROM subsidy_line",
        "TRUNCATE subsidy_line CASCADE",
        "UPDATE subsidy_snapshot SET content = content || ' '",
        "DELETE FROM subsidy_snapshot",
        "UPDATE subsidy_run_event SET actor_id = run_id",
        "DELETE FROM subsidy_run_event",
        "UPDATE subsidy_fact_version SET statement = ''",
    ],
)
async def test_not_even_the_owner_changes_what_a_run_stands_on(
    publicised_database: Database, change: str
) -> None:
    owner = await asyncpg.connect(publicised_database.url)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await owner.execute(change)
    finally:
        await owner.close()


async def test_a_result_once_set_does_not_change(fresh_database: Database) -> None:
    await two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    async with fresh_database.connection() as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await connection.execute("UPDATE subsidy_run SET total_fen = 0 WHERE id = $1", run.id)
    assert getattr(caught.value, "constraint_name", None) == "subsidy_run_frozen"


TAMPERINGS = {
    "snapshot_holds": "UPDATE subsidy_snapshot SET content ="
    " convert_to(replace(convert_from(content, 'UTF8'), '20000000', '20000001'), 'UTF8')",
    "scheme_holds": "UPDATE scheme_version SET content = content || '\\x0a'::bytea",
    "lines_hold": "UPDATE subsidy_line SET amount_fen = amount_fen + 1 WHERE rank = 1",
}


@pytest.mark.parametrize("broken", TAMPERINGS)
async def test_a_replay_finds_what_was_tampered_with_behind_the_triggers(
    fresh_database: Database, broken: str
) -> None:
    await two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(TAMPERINGS[broken])
    await owner.close()
    async with fresh_database.transaction() as session:
        found = await replay_run(session, run.id)
    assert not found.agrees
    assert getattr(found, broken) is False


async def test_i13_names_a_base_that_the_books_do_not_bear_out(fresh_database: Database) -> None:
    first, _ = await two_sellers_and_a_case(fresh_database)
    await world.publicised(fresh_database, Officers())
    await assert_books_hold(fresh_database.url)
    owner = await asyncpg.connect(fresh_database.url)
    try:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(
            "UPDATE subsidy_line SET base_fen = base_fen + 1 WHERE uscc = $1 AND rank = 1", first.uscc
        )
        [_, turnover] = await recomputed.run(owner, LEDGER_ID, recomputed.of_room("datamarket.subsidy.runs"))
    finally:
        await owner.close()
    [breach] = turnover.breaches
    assert first.uscc in breach
    assert "base 20000001, trades 20000000, legs 20000000" in breach


async def test_a_fact_whose_text_changed_under_its_old_version_stops_the_snapshot(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    await world.publicised(fresh_database, officers)
    other = facts.SqlFact(
        facts.CASES.name, facts.CASES.version, facts.CASES.takes, facts.CASES.statement + " "
    )
    monkeypatch.setattr(facts, "SQL_FACTS", (other,))
    run = await world.opened_run(fresh_database, officers)
    with pytest.raises(calculation.FactTextChanged):
        await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT)


async def test_a_project_funded_once_is_never_posted_again(fresh_database: Database) -> None:
    """Another policy funded the project after the list was calculated: the posting stops, whole."""
    first, _ = await two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    run = await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    async with fresh_database.transaction() as session:
        lines = await run_queries.award_lines(session, run.id)
        project = next(line for line in lines if line.clause_id == "typical-case")
        session.add(
            case_tables.SubsidyClaim(
                enterprise_id=first.id,
                subject=f"project:{project.candidate_id}",
                policy="省级数据专项",
                claimed_at=AFTER_YEAR,
            )
        )
    with pytest.raises(IntegrityError, match="subsidy_claim_pkey"):
        await world.moved(fresh_database, officers, run, RunEvent.POST, now=AFTER_PUBLICITY)
    payable = AccountKey(LEDGER_ID, first.id, AccountKind.SUBSIDY_PAYABLE)
    assert await balance_of(fresh_database, payable) == 0


async def test_only_one_run_of_a_year_is_ever_approved(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    await world.sells(on, seller, 1_000_000, at=MARCH)
    officers = Officers()
    first = await world.publicised(fresh_database, officers)
    await world.sells(on, seller, 1_000_000, at=MARCH)
    second = await world.publicised(fresh_database, officers)
    await world.moved(fresh_database, officers, first, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    with pytest.raises(DBAPIError, match="subsidy_run_decided_key"):
        await world.moved(fresh_database, officers, second, RunEvent.APPROVE, now=AFTER_PUBLICITY)


async def test_shipped_schemes_are_loaded_once(fresh_database: Database) -> None:
    officers = Officers()

    counts = []
    for _ in range(2):
        async with fresh_database.transaction() as session:
            loaded = await register_actions.load_shipped_schemes(session, officers.approver, now=AFTER_YEAR)
            counts.append(len(loaded))
    assert counts == [1, 0]
