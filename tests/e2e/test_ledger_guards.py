"""The database itself keeps the ledger append-only and balanced, and tampering shows."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from datamarket.commands.main import app
from datamarket.foundation import checks
from datamarket.foundation.db import APP_ROLE, Connection, Database, owner_connection
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.server.checks import CHECKS
from datamarket.trading.disputes.terms import DisputeEvent
from tests.world import catalogue, disputes, trading
from tests.world.books import assert_books_still_hold, auditing
from tests.world.people import NOON

LEDGER = trading.LEDGER_ID


async def traded(database: Database) -> None:
    """A small market with settled, refunded and disputed trades."""
    deal = await trading.active_contract(database, of_zone=True, quota=1000)
    trades = [await trading.trade(database, deal, quantity) for quantity in (1, 5, 20)]
    await trading.refund(database, deal, trades[1].id, Fen(700))
    settled = await disputes.opened(database, deal.buyer_account, trades[1].id, Fen(900))
    await disputes.moved(database, deal.provider_account, settled, DisputeEvent.OFFER, amount_fen=800)
    await disputes.moved(database, deal.buyer_account, settled, DisputeEvent.SETTLE)
    await disputes.opened(database, deal.buyer_account, trades[2].id)
    await trading.trade(database, await trading.active_contract(database, plan=catalogue.GRADUATED), 12)


@pytest_asyncio.fixture(scope="module")
async def superuser(module_database: Database) -> AsyncIterator[Connection]:
    """A superuser's connection to it."""
    await traded(module_database)
    async with auditing(module_database.url) as connection:
        await assert_books_still_hold(connection)
        yield connection


@pytest_asyncio.fixture
async def market(superuser: Connection) -> AsyncIterator[Connection]:
    """What a test does to it is undone."""
    attempt = superuser.transaction()
    await attempt.start()
    yield superuser
    await attempt.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leg SET amount_fen = amount_fen",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_leg",
        "UPDATE ledger_leg_p2024 SET amount_fen = 1",
        "DELETE FROM ledger_entry_p2024",
        "TRUNCATE ledger_leg_p2024",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
    ],
)
async def test_not_even_the_owner_changes_the_past(market: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await market.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_leg SELECT ledger_id, period, entry_id, seq + 10, account_id, amount_fen FROM ledger_leg",
        "UPDATE ledger_leg SET amount_fen = 1",
        "DELETE FROM ledger_entry_p2024",
        "UPDATE ledger_balance SET credit_fen = credit_fen + 1",
        "INSERT INTO ledger_account SELECT * FROM ledger_account",
        "DELETE FROM business_key",
        "UPDATE audit_event SET action = 'nothing'",
        "SELECT ledger_make_partitions(2050, 2051)",
        "UPDATE monthly_turnover SET gross_fen = gross_fen + 1",
        "SELECT turnover_add(array_agg(y)) FROM monthly_turnover AS y",
    ],
)
async def test_the_application_role_has_no_other_way_in(market: Connection, statement: str) -> None:
    await market.execute(f"SET ROLE {APP_ROLE}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await market.execute(statement)


async def test_an_entry_that_does_not_balance_is_refused_in_the_database(
    market: Connection,
) -> None:
    accounts = [
        row["id"] for row in await market.fetch("SELECT id FROM ledger_account WHERE may_go_negative LIMIT 2")
    ]
    entry = new_id(NOON)
    for amounts in ([100, -99], [100], [0, 0]):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            async with market.transaction():
                await market.execute(
                    "SELECT ledger_post($1::int, $2::timestamptz, 202406, ARRAY[$3::uuid], ARRAY[202406], ARRAY['deposit'],"
                    " ARRAY[$2::timestamptz], ARRAY['test'], ARRAY[$3::uuid], ARRAY[NULL::uuid], ARRAY[$3::uuid],"
                    " $4::int[], $5::int[], $6::uuid[], $7::bigint[])",
                    LEDGER,
                    NOON,
                    entry,
                    [1] * len(amounts),
                    list(range(1, len(amounts) + 1)),
                    accounts[: len(amounts)],
                    amounts,
                )


TAMPERINGS = {
    "UPDATE ledger_leg SET amount_fen = amount_fen + 1 WHERE seq = 1": {"I1", "I2", "I3", "I5"},
    "UPDATE ledger_leg SET amount_fen = amount_fen * 2": {"I3", "I5", "I9"},
    "UPDATE ledger_entry SET effective_at = effective_at + interval '1 second'": {"I5"},
    "UPDATE ledger_entry SET actor_id = id": {"I5"},
    "UPDATE ledger_entry SET reverses = NULL": {"I5"},
    "DELETE FROM ledger_leg WHERE seq = 2": {"I1", "I2", "I3", "I5"},
    "DELETE FROM ledger_entry WHERE kind = 'refund'": {"I1", "I6"},
    "DELETE FROM business_key WHERE kind = 'settlement'": {"I6", "I9"},
    "UPDATE ledger_balance SET credit_fen = credit_fen + 1": {"I3", "I4"},
    "UPDATE ledger_balance SET version = version + 1": {"I3"},
    "UPDATE trade SET split = jsonb_set(split, '{vat_fen}', '0')": {"I9"},
    "UPDATE trade SET quantity = quantity + 1, amount_fen = amount_fen + unit_price_fen": {"I9"},
    "UPDATE refund SET amount_fen = amount_fen + 1": {"I15"},
    "DELETE FROM refund": {"I15"},
    "UPDATE contract_meter SET used = used + 1": {"I15"},
    "UPDATE contract_meter SET reserved = reserved + 1": {"I16"},
    "UPDATE contract_meter SET undecided = undecided + 1": {"I16"},
    "UPDATE trade_dispute SET amount_fen = amount_fen + 1 WHERE closed_at IS NULL": {"I8-disputes"},
    "UPDATE trade_dispute SET buyer_id = provider_id": {"I8-disputes"},
    "UPDATE trade_dispute SET hold_id = NULL": {"I8-disputes"},
    "UPDATE trade_dispute SET state = 'withdrawn', closed_at = opened_at WHERE closed_at IS NULL": {
        "I8-disputes"
    },
    "UPDATE trade_dispute SET outcome_fen = outcome_fen - 1": {"I8-disputes"},
    "UPDATE monthly_turnover SET gross_fen = gross_fen + 1": {"I17"},
    "UPDATE monthly_turnover SET remaining_trades = remaining_trades - 1": {"I17"},
    "DELETE FROM monthly_turnover": {"I17"},
    "UPDATE charged_month SET units = units + 1": {"I9-months"},
    "UPDATE contract SET price_terms = price_terms || '{\"cap_fen\": 1}'": {"I9-months"},
    "DELETE FROM charged_month": {"I9-months"},
    "UPDATE contract_meter SET stands_until = term_to, stopped_by = NULL": {"I18"},
    "UPDATE contract_meter SET quota = quota + 1": {"I18"},
    "UPDATE contract_meter SET state = 'suspended'": {"I18"},
    "UPDATE contract_meter SET limits = '{\"onward_transfer\": false}'": {"I18"},
    "DELETE FROM contract_link WHERE kind = 'version'": {"I18"},
    "INSERT INTO stoppage SELECT id, id, 'zone_closed', '-', now(), now(), NULL FROM zone": {"I18"},
    "UPDATE contract_use SET priced = NOT priced": {"I15"},
    "ALTER TABLE ledger_leg_p2024 DISABLE TRIGGER ALL": {"I5"},
    f"GRANT UPDATE ON ledger_entry_p2024 TO {APP_ROLE}": {"I5"},
}


@pytest.mark.parametrize("statement", TAMPERINGS)
async def test_a_superusers_tampering_breaks_the_right_invariants(market: Connection, statement: str) -> None:
    await market.execute("SET LOCAL session_replication_role = replica")
    await market.execute(statement)
    findings = await checks.run(market, LEDGER, CHECKS)
    broken = {finding.check.id for finding in findings if not finding.holds}
    assert broken >= TAMPERINGS[statement]
    assert all(finding.breaches for finding in findings if not finding.holds)


async def test_the_command_exits_one_and_names_the_row(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await traded(fresh_database)
    monkeypatch.setenv("DATABASE_URL", fresh_database.url)
    sound = await asyncio.to_thread(CliRunner().invoke, app, ["check", "--json"])
    assert sound.exit_code == 0, sound.stderr
    async with owner_connection(fresh_database.url) as market:
        await market.execute("SET session_replication_role = replica")
        changed = await market.fetch(
            "UPDATE ledger_entry SET kind = 'gift' WHERE kind = 'refund' RETURNING id"
        )
    broken = await asyncio.to_thread(CliRunner().invoke, app, ["check", "--json"])
    assert broken.exit_code == 1
    breaches = {finding["id"]: finding["breaches"] for finding in json.loads(broken.stdout)}
    assert sorted(breaches["I5"]) == sorted(str(row["id"]) for row in changed)
