"""What a run stands on is kept by the database, and what was changed behind its back is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import orjson
import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError, IntegrityError

from datamarket.foundation import checks as recomputed
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations.apply import create_database, drop_database, migrate
from datamarket.server.sealing import seal_all
from datamarket.subsidy.cases import tables as case_tables
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import queries as fact_queries
from datamarket.subsidy.facts import statements as facts
from datamarket.subsidy.runs import calculation, dossier, sealed
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.studies.replay import replay_run
from datamarket.subsidy.terms import sha256_of_bytes
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.sealing import settings_in
from tests.world.subsidy import AFTER_PUBLICITY, AFTER_YEAR, MARCH, Officers
from tests.world.trading import LEDGER_ID


@pytest_asyncio.fixture(scope="module")
async def publicised_database(server_url: str, worker_id: str) -> AsyncIterator[Database]:
    """A market with one publicised run, for what may not change it."""
    name = f"datamarket_subsidy_{worker_id}"
    await drop_database(server_url, name)
    url = await create_database(server_url, name)
    await migrate(url)
    opened = await Database(url, 4).open()
    await world.two_sellers_and_a_case(opened)
    await world.publicised(opened, Officers())
    yield opened
    await opened.close()
    await drop_database(server_url, name)


async def test_the_database_itself_keeps_the_four_hands_apart(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    async with fresh_database.connection() as connection:
        for column in ("calculated_by", "reviewed_by"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await connection.execute(
                    f"UPDATE subsidy_run SET approved_by = {column} WHERE id = $1",  # noqa: S608 - a constant
                    run.id,
                )
            assert (
                constraint_of(caught.value, {"subsidy_run_duties_separate"}) == "subsidy_run_duties_separate"
            )
    await world.moved(fresh_database, Officers(), run, RunEvent.APPROVE, now=AFTER_PUBLICITY)
    async with fresh_database.connection() as connection:
        for paying in ("posted_by", "paid_by", "closed_by"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await connection.execute(
                    f"UPDATE subsidy_run SET {paying} = approved_by WHERE id = $1",  # noqa: S608 - a constant
                    run.id,
                )
            assert constraint_of(caught.value, {"subsidy_run_payer_separate"}) == "subsidy_run_payer_separate"


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
    await world.two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    async with fresh_database.connection() as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await connection.execute("UPDATE subsidy_run SET total_fen = 0 WHERE id = $1", run.id)
    assert constraint_of(caught.value, {"subsidy_run_frozen"}) == "subsidy_run_frozen"


MONEY = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)
TAMPERINGS = {
    "snapshot_holds": "UPDATE subsidy_snapshot SET content ="
    " convert_to(replace(convert_from(content, 'UTF8'), '20000000', '20000001'), 'UTF8')",
    "scheme_holds": "UPDATE scheme_version SET content = content || '\\x0a'::bytea",
    "lines_hold": "UPDATE subsidy_line SET amount_fen = amount_fen + 1 WHERE rank = 1",
}


@pytest.mark.parametrize("broken", TAMPERINGS)
@pytest.mark.edge(64)
async def test_a_replay_finds_what_was_tampered_with_behind_the_triggers(
    fresh_database: Database, broken: str
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(TAMPERINGS[broken])
    await owner.close()
    async with fresh_database.transaction() as session:
        found = await replay_run(session, run.id)
    assert not found.agrees
    assert getattr(found, broken) is False


async def rewritten_whole(database: Database, run: SubsidyRun) -> None:
    """Snapshot, lines, result and all their hashes together, so that each follows from the other."""
    async with database.transaction() as session:
        view = await run_queries.get_run(session, run.id)
        scheme = await dossier.scheme_of(session, run.scheme_version_id)
        stored = await fact_queries.snapshot_by_id(session, view.run.snapshot_id or run.id)
        content = stored.content.replace(b"20000000", b"19999999")
        result = evaluate(scheme, dossier.read_snapshot(content), run.year)
        sha256 = sha256_of_bytes(content)
    owner = await asyncpg.connect(database.url)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE subsidy_snapshot SET content = $1, sha256 = $2", content, sha256)
    await owner.execute(
        "UPDATE subsidy_run SET result_sha256 = $1, total_fen = $2", result.sha256, result.total_fen
    )
    await owner.executemany(
        "UPDATE subsidy_line SET base_fen = $2, amount_fen = $3, steps = $4 WHERE position = $1",
        [
            (at, line.base_fen, line.amount_fen, orjson.dumps(line.to_json()["steps"]).decode())
            for at, line in enumerate(result.lines)
        ],
    )
    await owner.close()


@pytest.mark.parametrize("event", MONEY)
async def test_a_run_rewritten_with_all_its_hashes_is_found_and_goes_no_further(
    fresh_database: Database, event: RunEvent
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    for before in MONEY[: MONEY.index(event)]:
        run = await world.moved(fresh_database, officers, run, before, now=AFTER_PUBLICITY)
    async with fresh_database.transaction() as session:
        before_it = await replay_run(session, run.id)
    await rewritten_whole(fresh_database, run)
    async with fresh_database.transaction() as session:
        found = await replay_run(session, run.id)
    assert before_it.agrees
    assert before_it.unsealed_events == run.version
    assert (found.scheme_holds, found.snapshot_holds, found.result_holds, found.lines_hold) == (True,) * 4
    assert not found.agrees
    assert "快照 snapshot" in found.differs
    with pytest.raises(sealed.RunNotAsSealed) as refused:
        await world.moved(fresh_database, officers, run, event, now=AFTER_PUBLICITY)
    async with owner_connection(fresh_database.url) as owner:
        [*_, told] = await recomputed.run(owner, LEDGER_ID, recomputed.of_room("datamarket.subsidy.runs"))
    assert (told.check.id, told.seen) == ("I20", 1)
    assert all(
        breach.startswith(f"run {run.id}: ") and "(not sealed yet)" in breach for breach in told.breaches
    )
    assert "收款明细 " in refused.value.facts["differs_zh"]
    assert "snapshot" in refused.value.facts["differs_en"]


async def test_an_event_of_a_run_that_was_rewritten_after_it_was_sealed_stops_the_approval(
    fresh_database: Database, tmp_path: Path
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    await seal_all(fresh_database, settings_in(tmp_path), lambda: AFTER_YEAR)
    await rewritten_whole(fresh_database, run)
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute("SET session_replication_role = replica")
    event = await owner.fetchval(
        "UPDATE audit_event SET xid = xid + 1000000, facts = facts || subsidy_run_digests(subject_id)"
        " WHERE action = 'subsidy.calculate' RETURNING id"
    )
    await owner.execute(
        "UPDATE audit_event SET facts = facts - 'payees' || subsidy_run_digests(subject_id) WHERE subject_id = $1",
        run.id,
    )
    await owner.close()
    with pytest.raises(sealed.RunNotAsSealed, match=f"sealed audit event {event}"):
        await world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY)


async def test_i13_names_a_base_that_the_books_do_not_bear_out(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    await world.publicised(fresh_database, Officers())
    await assert_books_hold(fresh_database.url)
    owner = await asyncpg.connect(fresh_database.url)
    try:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(
            "UPDATE subsidy_line SET base_fen = base_fen + 1 WHERE uscc = $1 AND rank = 1", first.uscc
        )
        [turnover] = [
            finding
            for finding in await recomputed.run(
                owner, LEDGER_ID, recomputed.of_room("datamarket.subsidy.runs")
            )
            if finding.check.id == "I13"
        ]
    finally:
        await owner.close()
    [breach] = turnover.breaches
    assert first.uscc in breach
    assert "base 20000001, trades 20000000, legs 20000000" in breach


async def test_a_fact_whose_text_changed_under_its_old_version_stops_the_snapshot(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    await world.publicised(fresh_database, officers)
    other = facts.SqlFact(
        facts.CASES.name, facts.CASES.version, facts.CASES.takes, facts.CASES.statement + " "
    )
    monkeypatch.setattr(facts, "SQL_FACTS", (other,))
    run = await world.opened_run(fresh_database, officers)
    with pytest.raises(calculation.FactTextChanged):
        await world.moved(fresh_database, officers, run, RunEvent.SNAPSHOT)


@pytest.mark.edge(46)
async def test_a_project_funded_once_is_never_posted_again(fresh_database: Database) -> None:
    """Another policy funded the project after the list was calculated: the posting stops, whole."""
    first, _ = await world.two_sellers_and_a_case(fresh_database)
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
    with pytest.raises(IntegrityError, match="subsidy_claim_open_key"):
        await world.moved(fresh_database, officers, run, RunEvent.POST, now=AFTER_PUBLICITY)
    payable = AccountKey(LEDGER_ID, first.id, AccountKind.SUBSIDY_PAYABLE)
    assert await balance_of(fresh_database, payable) == 0


@pytest.mark.edge(56, part="of two runs that one budget would pay")
async def test_only_one_list_of_a_year_is_ever_public(fresh_database: Database) -> None:
    on = await world.stage(fresh_database)
    seller = await world.enterprise(fresh_database)
    await world.sells(on, seller, 1_000_000, at=MARCH)
    officers = Officers()
    await world.publicised(fresh_database, officers)
    await world.sells(on, seller, 1_000_000, at=MARCH)
    with pytest.raises(DBAPIError, match="subsidy_run_decided_key"):
        await world.publicised(fresh_database, officers)
