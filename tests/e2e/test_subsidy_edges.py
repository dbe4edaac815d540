"""Edge cases of the design that nothing else proved: years, mergers, corrections, amendments, other engines."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantEvent
from datamarket.subsidy.evaluator import identity
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.register.terms import SchemeEvent
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent, RunState
from datamarket.subsidy.scheme.files import shipped_scheme
from datamarket.subsidy.studies import drift
from datamarket.subsidy.studies.replay import replay_run
from datamarket.subsidy.terms import Line, LineStatus
from tests.world import catalogue, trading
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.people import AUTHORITY, NOON
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, CITY, MARCH, YEAR, Officers
from tests.world.trading import LEDGER_ID, refund, trade

DECEMBER, JANUARY = datetime(YEAR, 12, 20, 4, tzinfo=UTC), datetime(YEAR + 1, 1, 6, 4, tzinfo=UTC)
A_RUN = new_id(NOON)
"""Facts are asked for a run; this one has claimed nothing."""
JULY = datetime(YEAR, 7, 1, 4, tzinfo=UTC)
TO_CALCULATED = (RunEvent.SNAPSHOT, RunEvent.CALCULATE)


async def net_of(database: Database, company: Participant, year: int) -> object:
    async with database.transaction() as session:
        asked = snapshots.RunYear(LEDGER_ID, year, datetime(year + 1, 2, 1, tzinfo=UTC), A_RUN)
        found = await snapshots.take(await driver(session), asked, as_of=datetime(YEAR + 3, 1, 1, tzinfo=UTC))
    [facts] = [one.facts for one in found.snapshot.candidates if one.id == company.uscc]
    return facts["net_platform_turnover"]


async def calculated(database: Database) -> tuple[SubsidyRun, dict[str, Line]]:
    run = await world.opened_run(database, Officers())
    run = await world.moved(database, Officers(), run, *TO_CALCULATED)
    return run, await lines_of(database, run)


async def lines_of(database: Database, run: SubsidyRun) -> dict[str, Line]:
    async with database.transaction() as session:
        result = await dossier.result_of(session, await run_queries.get_run(session, run.id))
    return {line.candidate: line for line in result.lines}


async def leaves(database: Database, company: Participant, at: datetime) -> None:
    async with database.transaction() as session:
        row = await participant_queries.lock_participant(session, company.id)
        await participant_actions.move_participant(
            session, AUTHORITY, row, ParticipantEvent.WITHDRAW, reason="合并注销", now=at
        )


@pytest.mark.edge(25)
@pytest.mark.edge(27)
async def test_a_contract_of_one_year_counts_in_each_year_what_was_settled_in_it(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    signed, _ = await world.sells(on, seller, 20, at=DECEMBER)
    await trade(fresh_database, signed, 300, at=JANUARY)
    await trade(fresh_database, signed, 4_000, at=JANUARY.replace(month=6))
    assert signed.contract.created_at.year == YEAR
    assert [await net_of(fresh_database, seller, year) for year in (YEAR, YEAR + 1)] == [20, 4_300]


@pytest.mark.edge(11)
async def test_sales_on_two_venues_that_count_are_one_enterprises_one_sum(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    async with fresh_database.transaction() as session:
        second = await catalogue.venue(session)
    seller = await world.enterprise(fresh_database)
    await world.sells(on, seller, 1_000, at=MARCH)
    await world.sells(on, seller, 70, venue=second, at=MARCH)
    _, lines = await calculated(fresh_database)
    assert (lines[seller.uscc].base_fen, lines[seller.uscc].rank) == (1_070, 1)


@pytest.mark.edge(36)
async def test_who_is_renamed_keeps_its_line_by_its_code_and_each_run_the_name_of_its_day(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database, "海风")
    await world.sells(on, seller, 1_000, at=MARCH)
    first, before = await calculated(fresh_database)
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("UPDATE participant SET name_zh = '海风数科' WHERE id = $1", seller.id)
    await owner.close()
    await world.sells(on, seller, 500, at=JULY)
    _, after = await calculated(fresh_database)
    assert (before[seller.uscc].name, after[seller.uscc].name) == ("模拟海风", "海风数科")
    assert (before[seller.uscc].base_fen, after[seller.uscc].base_fen) == (1_000, 1_500)
    assert (await lines_of(fresh_database, first))[seller.uscc].name == "模拟海风"


@pytest.mark.edge(37)
@pytest.mark.edge(38)
async def test_turnover_stays_with_the_legal_person_that_sold_through_merger_and_split(
    fresh_database: Database,
) -> None:
    """A and B merge into C in July; D is split off from E: nobody takes over what another has sold."""
    on = await world.stage(fresh_database)
    a, b, c, d, e = [await world.enterprise(fresh_database) for _ in range(5)]
    for place, company in enumerate((a, b, e), start=1):
        await world.sells(on, company, 1_000 * place, at=MARCH)
    for company in (a, b):
        await leaves(fresh_database, company, NOON.replace(month=7))
    for place, company in enumerate((c, d, e), start=1):
        await world.sells(on, company, 10 * place, at=JULY)
    _, lines = await calculated(fresh_database)
    assert [lines[one.uscc].base_fen for one in (a, b, c, d, e)] == [1_000, 2_000, 10, 20, 3_030]
    assert {lines[one.uscc].status for one in (a, b)} == {LineStatus.INELIGIBLE}
    assert [lines[one.uscc].rank for one in (e, d, c)] == [1, 2, 3]


@pytest.mark.edge(35)
async def test_a_correction_of_a_sales_day_counts_if_it_was_recorded_before_the_cut_off_and_drifts_after(
    fresh_database: Database,
) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    agreement, [wrong, fine] = await world.sells(on, seller, 10_000, 500, at=MARCH)
    await refund(fresh_database, agreement, wrong.id)
    await trade(fresh_database, agreement, 1_000, at=MARCH)
    run, lines = await calculated(fresh_database)
    late = AFTER_YEAR + timedelta(days=3)
    await refund(fresh_database, agreement, fine.id, at=late)
    await trading.record(fresh_database, [trading.intent(agreement, 50, at=MARCH)], now=late)
    async with fresh_database.transaction() as session:
        view = await run_queries.get_run(session, run.id)
        found = await drift.drift_of(session, view, now=late + timedelta(days=1))
    assert lines[seller.uscc].base_fen == 1_500
    assert [(base.before_fen, base.after_fen) for base in found.bases] == [(1_500, 1_050)]
    assert (await lines_of(fresh_database, run))[seller.uscc].base_fen == 1_500


@pytest.mark.edge(32)
@pytest.mark.edge(63)
async def test_an_amendment_that_reaches_back_and_a_later_engine_leave_the_old_run_as_it_was(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    old = await world.publicised(fresh_database, officers)
    text = shipped_scheme(CITY).decode().replace('{2024-01-01: "1%"}', '{2024-01-01: "1.5%"}')
    async with fresh_database.transaction() as session:
        draft = await register_actions.propose_version(
            session, officers.calculator, CITY, content=text, now=AFTER_YEAR
        )
        await register_actions.move_version(
            session, officers.reviewer, draft, SchemeEvent.APPROVE, now=AFTER_YEAR
        )
    later = AFTER_YEAR + timedelta(days=1)
    monkeypatch.setattr(identity, "engine_id", lambda: "9.9.9+ffffffffffffffff")
    new = await world.opened_run(fresh_database, officers, supersedes=old.id, now=later)
    new = await world.moved(fresh_database, officers, new, *TO_CALCULATED, now=later)
    async with fresh_database.transaction() as session:
        first, second = [await replay_run(session, one.id) for one in (old, new)]
    assert (first.agrees, second.agrees) == (True, True)
    assert first.engine_then != first.engine_now == second.engine_then
    assert ((new.total_fen or 0) - (old.total_fen or 0), first.stored_sha256) == (150_000, old.result_sha256)


@pytest.mark.edge(55, part="a crash between posting and its commit")
async def test_a_posting_that_did_not_commit_left_nothing_and_is_done_once_afterwards(
    fresh_database: Database,
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)

    async def posted(*, dies: bool) -> int:
        async with fresh_database.transaction() as session:
            locked = await run_queries.lock_run(session, run.id)
            await run_actions.move_run(session, officers.payer, locked, RunEvent.POST, now=AFTER_PUBLICITY)
            if dies:
                raise ConnectionResetError
            return len(await run_queries.postings_of(session, run.id))

    with pytest.raises(ConnectionResetError):
        await posted(dies=True)
    async with fresh_database.transaction() as session:
        assert await run_queries.postings_of(session, run.id) == []
        assert (await run_queries.get_run(session, run.id)).run.state == RunState.APPROVED
    assert await posted(dies=False) == 3
    await assert_books_hold(fresh_database.url)
