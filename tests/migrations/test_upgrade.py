"""A market of the first release goes on with this program; no way leads back, and nobody works on what he does not know."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

import datamarket.migrations
from datamarket.auth.terms import Role
from datamarket.commands.main import app
from datamarket.contracts.terms import Purpose
from datamarket.evidence.log.verification import one_snapshot, verify
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.migrations.apply import VERSIONS, create_database, drop_database, migrate
from datamarket.migrations.scripts import NoWayBack, apply_functions
from datamarket.migrations.upgrade import SchemaIsNewer
from datamarket.server.checks import check_books
from datamarket.server.sealing import seal_all
from datamarket.trading.actions import Recorder
from datamarket.trading.terms import TradeIntent
from tests.world.people import actor
from tests.world.sealing import log_of, sealer_in, settings_in
from tests.world.trading import LEDGER_ID

HERE = Path(__file__).parent
LATER = datetime(2025, 2, 3, 4, tzinfo=UTC)
"""After the subsidy of 2024 was paid: what is sold now changes no run."""
COVERED = {
    "I1",
    "I2",
    "I3",
    "I3b",
    "I4",
    "I5",
    "I6",
    "I7",
    "I9",
    "I10",
    "I11-awards",
    "I12 audit",
    "I12 entry",
    "I13",
    "I15",
    "I16",
    "I17",
    "I18",
    "I19",
    "I19-trades",
    "I20",
}
"""The first release knew no holds, orders, payouts and transfers between cities."""
_CATALOGUE = """
SELECT concat_ws(' ', 'column', a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                 a.attstorage, a.attstattarget, pg_get_expr(d.adbin, d.adrelid), a.attacl)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
UNION ALL
SELECT concat_ws(' ', 'table', relname, relkind, relacl, reloptions, pg_get_expr(relpartbound, oid),
                 obj_description(oid, 'pg_class'))
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
UNION ALL
SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT concat_ws(' ', 'view', viewname, definition) FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT concat_ws(' ', 'trigger', t.tgenabled, pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT concat_ws(' ', 'function', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


async def catalogue_of(url: str) -> set[str]:
    """Everything that a schema says, as text."""
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch(_CATALOGUE)}
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def first_release(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[str]:
    """A database as release 0.1.0 left it, with what its own actions wrote."""
    name = f"datamarket_first_{worker_id}"
    await drop_database(server_url, name)
    url = await create_database(server_url, name)
    connection = await asyncpg.connect(url)
    for file in ("first_release.sql", "first_release_rows.sql"):
        await connection.execute((HERE / file).read_text(encoding="utf-8"))
    await connection.close()
    yield url
    await drop_database(server_url, name)


async def test_an_upgraded_database_and_a_new_one_end_in_the_same_catalogue(
    first_release: str, database_url: str
) -> None:
    await migrate(first_release)
    upgraded, new = await catalogue_of(first_release), await catalogue_of(database_url)
    assert upgraded == new
    await migrate(first_release)
    assert await catalogue_of(first_release) == new


async def test_a_market_of_the_first_release_trades_on_and_is_sealed(
    first_release: str, tmp_path: Path
) -> None:
    await migrate(first_release)
    database = await Database(first_release, 4).open()
    try:
        async with database.connection() as connection:
            [contract] = await connection.fetch(
                "SELECT id, buyer_id, purposes FROM contract WHERE zone_id IS NOT NULL AND state = 'active'"
            )
            awards = await connection.fetch(
                "SELECT DISTINCT subsidy_award_now(line_id) ->> 'status' FROM subsidy_posting"
            )
        assert [tuple(award) for award in awards] == [("paid",)]
        buyer = actor(Role.BUYER, organisation=contract["buyer_id"])
        order = TradeIntent(buyer, contract["id"], Purpose(contract["purposes"][0]), 3, None, LATER)
        async with database.plain_transaction() as plain:
            [outcome] = await Recorder(LEDGER_ID).record_trades(plain, [order], now=LATER)
        assert not isinstance(outcome, MarketError), outcome
        assert await seal_all(database, settings_in(tmp_path), lambda: LATER) > 100
    finally:
        await database.close()
    results = await check_books(first_release, LEDGER_ID)
    assert {result.check.id: result.breaches for result in results if not result.holds} == {}
    assert {result.check.id for result in results if result.seen} >= COVERED
    sealer = sealer_in(tmp_path)
    async with one_snapshot(first_release, 2) as connections:
        report = await verify(connections, log_of(sealer), await sealer.kept_outside(connections[0]))
    assert report.holds, report.findings


async def test_a_month_closed_by_the_first_release_has_its_balances(first_release: str) -> None:
    """March and May 2024 were closed: so are all months before, from the first partition on."""
    await migrate(first_release)
    connection = await asyncpg.connect(first_release)
    try:
        periods = await connection.fetch("SELECT id, state, revision FROM ledger_period ORDER BY id")
        kept = await connection.fetchval("SELECT count(DISTINCT period) FROM ledger_period_balance")
    finally:
        await connection.close()
    assert [tuple(row)[1:] for row in periods] == [("closed", 1)] * (4 * 12 + 5)
    assert (periods[0]["id"], periods[-1]["id"]) == (202001, 202405)
    assert kept == 3  # from the first movement on: March, April, May


_ANOTHER_LIST = """
INSERT INTO subsidy_run
SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'state', 'publicised', 'engine_id', 'another'))).*
  FROM subsidy_run r WHERE state = 'closed'
"""


async def test_of_several_public_lists_of_a_year_the_decided_one_stays(first_release: str) -> None:
    connection = await asyncpg.connect(first_release)
    try:
        assert await connection.execute(_ANOTHER_LIST) == "INSERT 0 1"
        await migrate(first_release)
        runs = await connection.fetch("SELECT state, superseded_by_id FROM subsidy_run ORDER BY state")
        decided = await connection.fetchval("SELECT id FROM subsidy_run WHERE state = 'closed'")
        told = await connection.fetchval("SELECT reason FROM subsidy_run_event WHERE event = 'supersede'")
    finally:
        await connection.close()
    assert [tuple(run) for run in runs] == [("closed", None), ("superseded", decided)]
    assert str(decided) in told


_OPEN_ORDERS = """
SET session_replication_role = replica;
UPDATE contract_meter SET quota = used + 10;
INSERT INTO trade_order (id, ledger_id, contract_id, buyer_id, provider_id, purpose, quantity, unit_price_fen, amount_fen,
                         deliver_by, acceptance_days, state, delivered_at, decide_by, decided_at, by_silence, placed_at,
                         actor_id, version)
SELECT gen_random_uuid(), 370200, contract_id, buyer_id, buyer_id, purposes[1], o.quantity, 0, 0, now() + interval '9 days', 5,
       o.state, o.delivered, o.delivered, o.decided, false, now(), buyer_id, 1
  FROM contract_meter, (VALUES (2, 'placed', NULL, NULL), (3, 'cancelled', NULL, now()), (9, 'delivered', now(), NULL))
                        AS o (quantity, state, delivered, decided);
"""


async def test_open_orders_get_what_is_left_of_a_quota_deliveries_first(first_release: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(datamarket.migrations.__path__[0])))

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")

    engine = create_async_engine(first_release.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as upgrading:
        await upgrading.run_sync(upgrade)
    await engine.dispose()
    connection = await asyncpg.connect(first_release)
    try:
        await connection.execute(_OPEN_ORDERS)
        await migrate(first_release)
        kept = await connection.fetch("SELECT DISTINCT state, reserved_quantity FROM trade_order")
        as_before = await connection.fetch("SELECT DISTINCT state, hidden_defect, cure_days FROM trade_order")
        meters = await connection.fetch("SELECT DISTINCT reserved, undecided FROM contract_meter")
        unpriced = await connection.fetchval("SELECT count(*) FROM contract_use WHERE NOT priced")
    finally:
        await connection.close()
    assert {tuple(row) for row in kept} == {("placed", 1), ("cancelled", 0), ("delivered", 9)}
    decided_by_the_buyer = {("placed", True, 0), ("delivered", True, 0), ("cancelled", False, 0)}
    assert {tuple(row) for row in as_before} == decided_by_the_buyer
    assert [tuple(row) for row in meters] == [(10, 1)]
    assert unpriced == 0
    broken = {result.check.id for result in await check_books(first_release, LEDGER_ID) if not result.holds}
    assert not broken & {"I15", "I16"}


async def test_who_serves_a_migrated_database_loads_no_alembic(fresh_database: Database) -> None:
    script = f"""
import asyncio, sys
from datamarket.migrations.apply import migrate, newest_revision
from datamarket.server import database
asyncio.run(migrate({fresh_database.url!r}))
assert "alembic" not in sys.modules
from alembic.config import Config
from alembic.script import ScriptDirectory
assert ScriptDirectory({str(VERSIONS.parent)!r}).get_current_head() == newest_revision()
"""
    told = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await told.wait() == 0


async def test_a_database_of_a_newer_program_is_left_alone(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(fresh_database.url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    before = await catalogue_of(fresh_database.url)
    with pytest.raises(SchemaIsNewer, match="9999"):
        await migrate(fresh_database.url)
    assert await catalogue_of(fresh_database.url) == before
    monkeypatch.setenv("DATABASE_URL", fresh_database.url)
    told = await asyncio.to_thread(CliRunner().invoke, app, ["migrate"])
    assert told.exit_code == 2
    assert told.stderr.splitlines() == [
        f"database.newer: {SchemaIsNewer(found='9999').sentence('zh')}",
        *told.stderr.splitlines()[1:],
    ]
    assert SchemaIsNewer(found="9999").sentence("en") in told.stderr


async def test_a_downgrade_is_refused(fresh_database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(datamarket.migrations.__path__[0])))

    def downgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")

    engine = create_async_engine(fresh_database.url.replace("postgresql://", "postgresql+asyncpg://", 1))
    with pytest.raises(NoWayBack, match="backup"):
        async with engine.begin() as connection:
            await connection.run_sync(downgrade)
    await engine.dispose()


async def test_functions_are_applied_again_only_when_their_text_differs(fresh_database: Database) -> None:
    before = await catalogue_of(fresh_database.url)
    owner = await asyncpg.connect(fresh_database.url)
    await owner.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE OR REPLACE FUNCTION functions_applied() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$another$$'"
    )
    await owner.close()
    engine = create_async_engine(fresh_database.url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        assert await connection.run_sync(apply_functions)
        assert not await connection.run_sync(apply_functions)
    await engine.dispose()
    assert await catalogue_of(fresh_database.url) == before
