"""The sealed log as a whole: sealed, verified twice, tampered with, dumped into another server, cut off."""

import ast
import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from datamarket.commands.main import app
from datamarket.evidence import actions as evidence
from datamarket.evidence.log.bundle import export
from datamarket.evidence.log.findings import Verdict
from datamarket.evidence.log.sealing import (
    Sealer,
    await_watermark,
    horizon_of,
    is_restored,
    last_block,
    sealing_lag,
)
from datamarket.evidence.log.verification import one_snapshot, verify
from datamarket.foundation.db import APP_ROLE, Connection, Database
from datamarket.foundation.ids import new_id
from datamarket.migrations.apply import create_database
from datamarket.server.checks import check_books
from loadtests.faults.cluster import running_cluster
from tests.world import trading
from tests.world.books import assert_books_hold
from tests.world.people import AUDITOR, NOON, moment
from tests.world.sealing import TOOL, log_of, sealed_market, sealer_in, tool
from tests.world.tampering import DEEDS, Range, range_of

FEW = random.Random(11)


@pytest_asyncio.fixture
async def ground(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Range]:
    """A small sealed market, and a superuser in it."""
    sealer = sealer_in(tmp_path)
    await sealed_market(fresh_database, sealer, FEW)
    opened = await range_of(fresh_database.url, sealer, tmp_path / "bundle")
    yield opened
    await opened.connection.close()


async def seal_all(database: Database, sealer: Sealer) -> int:
    leaves = 0
    await await_watermark(database)
    while added := await sealer.seal(database, now=moment()):
        leaves += added
    return leaves


async def note(connection: Connection, many: int = 1) -> None:
    events = [evidence.Event(AUDITOR, new_id(moment()), {"of": number}) for number in range(many)]
    await evidence.record_many(connection, "test.note", "thing", events, now=moment())


async def verified(database: Database, sealer: Sealer) -> Verdict:
    async with one_snapshot(database.url, 2) as connections:
        return await verify(connections, log_of(sealer), await sealer.kept_outside(connections[0]))


async def test_a_market_is_sealed_and_verified_by_two_who_share_no_code(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database, of_zone=True)
    trades = [await trading.trade(fresh_database, deal, quantity) for quantity in (1, 5, 20)]
    await trading.refund(fresh_database, deal, trades[1].id)
    sealer = sealer_in(tmp_path)
    async with fresh_database.connection() as connection:
        assert await sealing_lag(connection, sealer.ledger_id, moment()) > moment() - moment()
    leaves = await seal_all(fresh_database, sealer)
    async with fresh_database.connection() as connection:
        rows = await connection.fetchval(
            "SELECT (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM audit_event)"
        )
        assert not await sealing_lag(connection, sealer.ledger_id, moment())
    report = await verified(fresh_database, sealer)
    assert report.holds, report.findings
    assert report.leaves == leaves == rows
    async with one_snapshot(fresh_database.url, 1) as [connection]:
        await export(connection, log_of(sealer), tmp_path / "bundle")
        folder = await sealer.place(connection)
    other = tool().verify(tmp_path / "bundle", folder)
    assert other.holds, other.findings
    assert (other.root, other.leaves) == (report.root.hex(), report.leaves)
    await assert_books_hold(fresh_database.url)


async def test_every_tampering_is_found_by_both_and_the_first_bad_leaf_named(ground: Range) -> None:
    assert await ground.untouched()
    outcome = await ground.tamper(seed=5)
    assert (outcome.missed, outcome.misnamed, outcome.not_as_the_table_says) == ([], [], [])
    assert outcome.complete
    assert await ground.untouched()


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_leg", "audit_event"])
async def test_the_deeds_change_every_column_of_what_is_sealed(
    superuser: "asyncpg.Connection[asyncpg.Record]", table: str
) -> None:
    columns = await superuser.fetch(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1", table
    )
    assert {f"change {row[0]} of {table}" for row in columns} <= set(DEEDS)


async def test_a_whole_resealing_with_the_stolen_key_shows_against_checkpoints_outside_and_only_there(
    ground: Range,
) -> None:
    alone, beside = await ground.sealed_anew_with_the_key(seed=3)
    assert (alone, beside) == (False, True)


@pytest.mark.parametrize("table", ["seal_leaves", "seal_node", "seal_block"])
async def test_the_log_is_only_added_to(ground: Range, table: str) -> None:
    column = {"seal_leaves": "kinds", "seal_node": "hash", "seal_block": "root"}[table]
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):  # noqa: S608
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await ground.connection.execute(statement)
        async with ground.connection.transaction():
            await ground.connection.execute(f"SET LOCAL ROLE {APP_ROLE}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with ground.connection.transaction():
                    await ground.connection.execute(statement)


async def test_what_breaks_a_leaf_breaks_i12(ground: Range, fresh_database: Database) -> None:
    await ground.connection.execute("SET session_replication_role = replica")
    await ground.connection.execute(
        "UPDATE audit_event SET action = 'nothing' WHERE id = (SELECT id FROM audit_event LIMIT 1)"
    )
    findings = await check_books(fresh_database.url, ground.sealer.ledger_id)
    assert {finding.check.id for finding in findings if not finding.holds} >= {"I12 audit"}


async def test_checkpoints_that_are_gone_outside_are_written_again(
    fresh_database: Database, tmp_path: Path
) -> None:
    sealer = sealer_in(tmp_path)
    async with fresh_database.connection() as connection:
        folder = await sealer.place(connection)
    for _ in range(3):
        async with fresh_database.plain_transaction() as connection:
            await note(connection)
        await seal_all(fresh_database, sealer)
    kept = {path.name: path.read_text() for path in folder.iterdir()}
    assert len(kept) == 4
    (folder / "3.txt").unlink()
    assert await sealer.seal(fresh_database, now=NOON) == 0
    (folder / "1.txt").unlink()
    async with fresh_database.connection() as connection:
        assert await sealer.keep_outside(connection) == 0
        assert await sealer.keep_outside(connection, everything=True) == 1
    assert {path.name: path.read_text() for path in folder.iterdir()} == kept


async def count_transactions(connection: Connection, many: int) -> None:
    for _ in range(many):
        await connection.execute("SELECT pg_current_xact_id()")


async def test_a_dump_in_another_server_loses_no_row_and_seals_none_twice(
    fresh_database: Database, tmp_path: Path
) -> None:
    """There transactions are counted from a lower number than the rows carry."""
    sealer = sealer_in(tmp_path)
    source = await asyncpg.connect(fresh_database.url)
    await count_transactions(source, 2500)
    for many in (2, 300, 1):
        await note(source, many)
        await count_transactions(source, 50)
        await seal_all(fresh_database, sealer)
    await note(source, 4)  # restored without a leaf
    with running_cluster(tmp_path / "other", fsync="off") as other:
        dumped = tmp_path / "dump.sql"
        run(other.program("pg_dump"), "--dbname", fresh_database.url, "--file", str(dumped))
        await source.close()
        url = await create_database(other.url, "market")
        run(other.program("psql"), "--dbname", url, "--command", f"CREATE ROLE {APP_ROLE}")
        run(other.program("psql"), "--dbname", url, "-v", "ON_ERROR_STOP=1", "--quiet", "--file", str(dumped))
        restored = await Database(url, 4).open()
        try:
            await live_on(restored, sealer)
        finally:
            await restored.close()


async def live_on(restored: Database, sealer: Sealer) -> None:
    """Write low transactions, seal across the change, and count on until the old numbers come again."""
    async with restored.connection() as connection:
        last, horizon = await last_block(connection, sealer.ledger_id), await horizon_of(connection)
        assert last is not None
        assert horizon.below < last.xid_below, "the counter is behind the rows"
        assert is_restored(last, horizon)
        await note(connection, 3)
    await assert_books_hold(restored.url)
    async with restored.plain_transaction() as late:
        await note(late)
        async with restored.connection() as connection:
            await note(connection)
            assert (
                await sealer.seal(restored, now=moment()) == 4 + 3 + 1
            )  # dumped, new, and the event of the epoch
    owner = await asyncpg.connect(restored.url)
    behind = last.xid_below + 500 - (await horizon_of(owner)).below
    for _ in range(10):
        await note(owner)
        await count_transactions(owner, behind // 10)
        await sealer.seal(restored, now=moment())
    assert (await horizon_of(owner)).below > last.xid_below
    await note(owner)
    await seal_all(restored, sealer)
    rows = await owner.fetchval("SELECT count(*) FROM audit_event")
    assert await owner.fetchval("SELECT count(*) FROM seal_leaf") == rows
    assert await owner.fetchval("SELECT count(DISTINCT id) FROM seal_leaf") == rows
    assert await owner.fetchval("SELECT max(epoch) FROM seal_block") == 2
    await owner.close()
    report = await verified(restored, sealer)
    assert report.holds, report.findings
    await assert_books_hold(restored.url)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


async def test_the_commands_seal_verify_and_export_and_exit_one_after_tampering(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(fresh_database.url)
    await note(connection, 3)
    monkeypatch.setenv("DATABASE_URL", fresh_database.url)
    monkeypatch.setenv("DATAMARKET_VAR", str(tmp_path))

    async def call(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    def offline() -> "subprocess.CompletedProcess[str]":
        asked = [str(TOOL), "bundle", str(tmp_path / "bundle"), "--checkpoints", str(kept)]
        command = [sys.executable, *asked, "--key", str(kept / "key.txt")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert (await call("seal")).exit_code == 0
    assert (await call("export-evidence", str(tmp_path / "bundle"))).exit_code == 0
    [kept] = (tmp_path / "checkpoints" / "370200").iterdir()
    sound = await call("verify", "--json", "--from", str(kept))
    assert sound.exit_code == 0, sound.stderr
    assert json.loads(sound.stdout)["leaves"] == 3
    assert offline().returncode == 0
    await connection.execute("SET session_replication_role = replica")
    second = await connection.fetchval("SELECT id FROM seal_leaf WHERE index = 1")
    await connection.execute("UPDATE audit_event SET facts = '{}' WHERE id = $1", second)
    broken = await call("verify", "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["first_bad_leaf"]["id"] == str(second)
    told = await call("verify")
    assert (told.exit_code, f"first bad leaf: 1 (audit {second})" in told.stdout) == (1, True)
    assert (await call("export-evidence", str(tmp_path / "bundle"))).exit_code == 0
    found = offline()
    assert (found.returncode, "first bad leaf: 1" in found.stdout) == (1, True)
    (tmp_path / "bundle" / "leaves.csv").unlink()
    assert offline().returncode == 2
    assert (await call("verify", "--from", str(tmp_path))).exit_code == 2
    await connection.execute("SET session_replication_role = origin")
    await connection.close()


def test_the_separate_verifier_shares_no_code_with_the_market() -> None:
    tree = ast.parse(TOOL.read_text(encoding="utf-8"))
    assert sum(bool(line.strip()) for line in TOOL.read_text(encoding="utf-8").splitlines()) <= 330
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    foreign = {name.split(".")[0] for name in named} - sys.stdlib_module_names
    assert foreign == {"cryptography"}
    asked = f"import runpy, sys; runpy.run_path({str(TOOL)!r}); sys.exit('datamarket' in sys.modules)"
    run(sys.executable, "-c", asked)
