"""Months are closed in one way only; tampering shows; what an older release closed is taken over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from datamarket.foundation import checks
from datamarket.foundation.db import APP_ROLE, Connection, Database
from datamarket.foundation.ids import new_id
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations import apply
from datamarket.server.checks import CHECKS
from tests.ledger.conftest import LEDGER, three_months
from tests.world import periods
from tests.world.books import assert_books_hold, assert_books_still_hold, auditing
from tests.world.people import NOON, moment

FIRST_RELEASE = Path(__file__).parents[2] / "migrations" / "first_release.sql"
POSTED_THEN = """
SELECT ledger_post($1::int, $2::timestamptz, $3::int, ARRAY[$4::uuid], ARRAY[$3], ARRAY['deposit'], ARRAY[$5::timestamptz],
                   ARRAY['deposit'], ARRAY[$4], ARRAY[NULL::uuid], ARRAY[$4], ARRAY[1, 1], ARRAY[1, 2], $6::uuid[], $7::bigint[])
"""
TAMPERINGS = {
    "UPDATE ledger_day SET debit_fen = debit_fen + 1 WHERE day = '2024-03-11'": {"I3b"},
    "DELETE FROM ledger_day WHERE day = '2024-03-11'": {"I3b"},
    "UPDATE ledger_period_balance SET debit_fen = debit_fen + 1, closing_debit_fen = closing_debit_fen + 1": {
        "I10"
    },
    "UPDATE ledger_period_balance SET opening_debit_fen = opening_debit_fen + 1, debit_fen = debit_fen - 1": {
        "I10"
    },
    "DELETE FROM ledger_period_balance WHERE period = 202403": {"I10"},
    "UPDATE ledger_period SET closing_root = '\\x00' WHERE id = 202402": {"I10"},
    "UPDATE ledger_period SET state = 'open', closed_at = NULL, closing_root = NULL WHERE id = 202403": {
        "I10"
    },
    "UPDATE ledger_entry SET recorded_at = '2030-01-01' WHERE period = 202403": {"I5", "I10"},
    "UPDATE ledger_entry SET period = 202403 WHERE period = 202405": {"I1", "I5"},
}


@pytest_asyncio.fixture(scope="module")
async def closed(module_database: Database) -> AsyncIterator[Connection]:
    """A superuser's connection to books of which two months are closed."""
    await three_months(module_database)
    await periods.close(module_database, LEDGER, 202403)
    await periods.close(module_database, LEDGER, 202404)
    async with auditing(module_database.url) as connection:
        await assert_books_still_hold(connection)
        yield connection


@pytest.mark.parametrize("statement", TAMPERINGS)
async def test_a_superusers_tampering_with_closed_months_shows(closed: Connection, statement: str) -> None:
    attempt = closed.transaction()
    await attempt.start()
    await closed.execute("SET LOCAL session_replication_role = replica")
    await closed.execute(statement)
    findings = await checks.run(closed, LEDGER, CHECKS)
    await attempt.rollback()
    assert {finding.check.id for finding in findings if not finding.holds} >= TAMPERINGS[statement]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_period_balance SELECT * FROM ledger_period_balance",
        "UPDATE ledger_period SET state = 'open'",
        "DELETE FROM ledger_period",
        "DELETE FROM ledger_day",
        "SELECT ledger_take_closing(1, 202403, now())",
        "SELECT ledger_close_through(1, 202403, now())",
    ],
)
async def test_the_application_closes_months_in_no_other_way(superuser: Any, statement: str) -> None:
    await superuser.execute(f"SET ROLE {APP_ROLE}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(statement)


async def test_partitions_of_the_years_ahead_are_made_once_and_guarded(fresh_database: Database) -> None:
    await asyncio.gather(*(apply.migrate(fresh_database.url) for _ in range(2)))
    connection = await asyncpg.connect(fresh_database.url)
    for _ in range(2):
        await connection.execute("SELECT ledger_make_partitions(2038, 2042)")
    guards = "SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::text::regclass"
    for table in ("ledger_entry", "ledger_leg"):
        assert await connection.fetchval(guards, f"{table}_p2042") == await connection.fetchval(
            guards, f"{table}_p2024"
        )
        assert not await connection.fetchval(
            "SELECT has_table_privilege($1, $2, 'INSERT')", APP_ROLE, f"{table}_p2042"
        )
    this_year = await connection.fetchval("SELECT extract(year FROM now())::integer")
    assert await connection.fetchval("SELECT to_regclass($1)", f"ledger_leg_p{this_year + 5}")
    await connection.close()


async def test_months_closed_before_balances_were_kept_get_them_when_migrated(server_url: str) -> None:
    name = f"datamarket_old_{new_id(moment()).hex[-8:]}"
    url = await apply.create_database(server_url, name)
    released = await asyncpg.connect(url)
    await released.execute(FIRST_RELEASE.read_text(encoding="utf-8"))
    await released.close()
    database = await Database(url, 2).open()
    bank = AccountKey(LEDGER, None, AccountKind.BANK)
    vat = AccountKey(LEDGER, None, AccountKind.VAT_PAYABLE)
    async with database.connection() as connection:
        await posting.open_accounts(connection, LEDGER, [bank, vat], now=NOON)
        for month in (2, 3, 5):
            told = 202400 + month, new_id(NOON), periods.noon_of(date(2024, month, 10))
            await connection.execute(
                POSTED_THEN, LEDGER, NOON, *told, [bank.id, vat.id], [100 * month, -100 * month]
            )
        await connection.execute(
            "INSERT INTO ledger_period VALUES ($1, 202403, 'closed', 1), ($1, 209912, 'closed', 1)", LEDGER
        )
    await database.close()
    await apply.migrate(url)
    await assert_books_hold(url)
    migrated = await asyncpg.connect(url)
    rows = await migrated.fetch("SELECT id, state, revision FROM ledger_period WHERE id > 202401 ORDER BY id")
    assert [tuple(row) for row in rows] == [(202402, "closed", 1), (202403, "closed", 1), (209912, "open", 0)]
    closing = "SELECT debit_fen FROM ledger_balance_at($1, $2, $3)"
    assert await migrated.fetchval(closing, LEDGER, bank.id, date(2024, 4, 1)) == 500
    await migrated.close()
    await apply.drop_database(server_url, name)
