"""Each named constraint of the books is attacked by what it alone refuses: refused while it stands, through without it.

Every attack is a superuser's, with all triggers asleep, and is rolled back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio

from datamarket.foundation.db import Database
from tests.world.books import assert_books_hold
from tests.world.guards import Guard, constraints, folded
from tests.world.market import every_book_written

Superuser = asyncpg.Connection

CHECKS = {
    "bank_line_amount_check": "UPDATE bank_line SET amount_fen = 0",
    "bank_line_match_state_check": "UPDATE bank_line SET match_state = 'lost' WHERE match_state = 'matched'",
    "bank_line_matched_check": "UPDATE bank_line SET entry_on = NULL WHERE match_state = 'matched'",
    "bank_line_reason_check": "UPDATE bank_line SET match_reason = 'by hand' WHERE match_state = 'matched'",
    "city_transfer_amount_check": "UPDATE city_transfer SET amount_fen = 0",
    "city_transfer_between_two": "UPDATE city_transfer SET other_ledger = ledger_id",
    "city_transfer_direction_check": "UPDATE city_transfer SET direction = 'sideways'",
    "city_transfer_state_check": "UPDATE city_transfer SET state = 'lost'",
    "contract_meter_from_check": "UPDATE contract_meter SET stands_from = term_from - interval '1 day'",
    "contract_meter_quota_check": "UPDATE contract_meter SET used = -1",
    "contract_meter_stands_check": "UPDATE contract_meter SET stands_until = term_to + interval '1 day'",
    "ledger_account_side_check": "UPDATE ledger_account SET normal_side = 'left'",
    "ledger_balance_held_check": "UPDATE ledger_balance SET held_fen = -1 WHERE credit_fen > debit_fen",
    "ledger_balance_not_overdrawn": "UPDATE ledger_balance SET credit_fen = debit_fen - 1 WHERE NOT may_go_negative",
    "ledger_hold_expiry_check": "UPDATE ledger_hold SET expires_at = created_at",
    "ledger_hold_released_whole": (
        "UPDATE ledger_hold SET state = 'voided', voided_fen = 1, resolved_at = now() WHERE state = 'held'"
    ),
    "ledger_hold_resolved_check": "UPDATE ledger_hold SET resolved_at = now() WHERE state = 'held'",
    "ledger_hold_state_check": "UPDATE ledger_hold SET state = 'partly_posted' WHERE state = 'held'",
    "ledger_hold_within_amount": "UPDATE ledger_hold SET posted_fen = -1 WHERE state = 'held'",
    "ledger_hold_posting_amount_check": "UPDATE ledger_hold_posting SET amount_fen = 0",
    "ledger_leg_not_zero": "UPDATE ledger_leg SET amount_fen = 0",
    "ledger_period_closing_check": "UPDATE ledger_period SET closing_root = NULL WHERE state = 'closed'",
    "ledger_period_id_check": "UPDATE ledger_period SET id = 202413 WHERE id = (SELECT min(id) FROM ledger_period)",
    "ledger_period_state_check": "UPDATE ledger_period SET state = 'ajar', closing_root = NULL, closed_at = NULL",
    "ledger_period_balance_sum_check": "UPDATE ledger_period_balance SET closing_debit_fen = closing_debit_fen + 1",
    "payout_account_kind_check": "UPDATE payout SET account_kind = 'bank'",
    "payout_amount_check": "UPDATE payout SET amount_fen = 0",
    "payout_award_check": "UPDATE payout SET award_id = gen_random_uuid()",
    "payout_award_key": (
        "UPDATE payout SET account_kind = 'subsidy_payable', award_id = batch_id WHERE state = 'executed'"
    ),
    "payout_decided_check": "UPDATE payout SET decided_on = NULL WHERE state = 'executed'",
    "payout_refusal_check": (
        "UPDATE payout SET refusal_code = 'AC04', refusal_reason = '账户已销户' WHERE state = 'executed'"
    ),
    "payout_state_check": "UPDATE payout SET state = 'lost' WHERE state = 'queued'",
    "payout_batch_approved_check": "UPDATE payout_batch SET approved_by = NULL WHERE state = 'settled'",
    "payout_batch_decided_check": "UPDATE payout_batch SET refused_fen = -1 WHERE state = 'drafted'",
    "payout_batch_duties_check": "UPDATE payout_batch SET approved_by = actor_id",
    "payout_batch_not_empty": "UPDATE payout_batch SET payouts = 0",
    "payout_batch_settled_check": (
        "UPDATE payout_batch SET state = 'settled', approved_by = gen_random_uuid() WHERE state = 'drafted'"
    ),
    "payout_batch_state_check": "UPDATE payout_batch SET state = 'lost' WHERE state = 'drafted'",
    "refund_amount_check": "UPDATE refund SET amount_fen = 0",
    "seal_block_adds_up": "UPDATE seal_block SET leaves = leaves + 1",
    "seal_leaves_in_one_tile": "UPDATE seal_leaves SET kinds = kinds || 'entry'::text",
    "trade_amount_check": "UPDATE trade SET quantity = -1",
    "trade_refunded_check": "UPDATE trade SET refunded_fen = -1",
    "trade_state_check": "UPDATE trade SET state = 'lost'",
    "trade_order_accepted_check": "UPDATE trade_order SET accepted_quantity = NULL WHERE state = 'accepted'",
    "trade_order_amount_check": "UPDATE trade_order SET amount_fen = -1 WHERE hold_id IS NOT NULL",
    "trade_order_cure_check": "UPDATE trade_order SET cure_by = now()",
    "trade_order_cut_check": "UPDATE trade_order SET cut_fen = -1",
    "trade_order_days_check": "UPDATE trade_order SET acceptance_days = -1",
    "trade_order_decided_check": "UPDATE trade_order SET decided_at = now() WHERE state = 'placed'",
    "trade_order_delivered_check": (
        "UPDATE trade_order SET delivered_at = now(), decide_by = now() WHERE state = 'placed'"
    ),
    "trade_order_hold_check": "UPDATE trade_order SET hold_id = NULL",
    "trade_order_instalments_check": "UPDATE trade_order SET instalments = '{0,0,0}' WHERE amount_fen > 0",
    "trade_order_reserved_check": "UPDATE trade_order SET reserved_quantity = -1 WHERE state = 'placed'",
    "trade_order_state_check": "UPDATE trade_order SET state = 'lost', decided_at = now(), reserved_quantity = 0 WHERE state = 'placed'",
    "trade_order_used_check": "UPDATE trade_order SET used_at = now() WHERE state = 'placed'",
}
"""A change of rows that only this condition refuses."""

FRESH = "gen_random_uuid()"
KEYS: dict[str, tuple[str, dict[str, str]]] = {
    "audit_event_pkey": ("true", {}),
    "bank_line_pkey": ("match_state = 'matched'", {"position": "position + 1000", "entry_id": FRESH}),
    "bank_line_entry_key": ("match_state = 'matched'", {"id": FRESH, "position": "position + 1000"}),
    "bank_line_position_key": ("match_state = 'matched'", {"id": FRESH, "entry_id": FRESH}),
    "bank_statement_pkey": ("true", {"day": "day + 1000", "sha256": "repeat('0', 64)"}),
    "bank_statement_day_key": ("true", {"id": FRESH, "sha256": "repeat('0', 64)"}),
    "bank_statement_sha256_key": ("true", {"id": FRESH, "day": "day + 1000"}),
    "business_key_pkey": ("true", {}),
    "city_transfer_pkey": ("true", {"reference": "'another'"}),
    "city_transfer_reference_key": ("true", {"id": FRESH}),
    "contract_meter_pkey": ("true", {}),
    "idempotency_key_pkey": ("true", {}),
    "ledger_account_pkey": ("true", {"owner_id": FRESH}),
    "ledger_account_owner_kind_key": ("owner_id IS NULL", {"id": FRESH}),
    "ledger_balance_pkey": ("true", {}),
    "ledger_day_pkey": ("true", {}),
    "ledger_entry_pkey": ("true", {}),
    "ledger_hold_pkey": ("true", {"source_id": FRESH}),
    "ledger_hold_source_key": ("true", {"id": FRESH}),
    "ledger_hold_posting_pkey": ("true", {}),
    "ledger_leg_pkey": ("true", {}),
    "ledger_period_pkey": ("true", {}),
    "ledger_period_balance_pkey": ("true", {}),
    "payout_pkey": ("state = 'executed'", {"position": "position + 1000", "bank_reference": "'another'"}),
    "payout_bank_reference_key": ("state = 'executed'", {"id": FRESH, "position": "position + 1000"}),
    "payout_position_key": ("state = 'executed'", {"id": FRESH, "bank_reference": "'another'"}),
    "payout_queued_key": (
        "state = 'queued'",
        {"id": FRESH, "position": "position + 1000", "bank_reference": "'another'"},
    ),
    "payout_batch_pkey": ("true", {"number": "number || '-2'"}),
    "payout_batch_number_key": ("true", {"id": FRESH}),
    "refund_pkey": ("true", {}),
    "seal_block_pkey": ("true", {"size": "size + 1000", "leaves": "leaves + 1000"}),
    "seal_block_size_key": ("true", {"number": "number + 1000"}),
    "seal_leaves_pkey": ("true", {}),
    "seal_node_pkey": ("true", {}),
    "trade_pkey": ("true", {"use_id": FRESH}),
    "trade_use_key": ("true", {"id": FRESH}),
    "trade_order_pkey": ("state = 'placed'", {"hold_id": FRESH, "quote_id": "NULL"}),
    "trade_order_hold_key": ("state = 'placed'", {"id": FRESH, "quote_id": "NULL"}),
    "trade_order_quote_key": ("quote_id IS NOT NULL", {"id": FRESH, "hold_id": FRESH}),
    "trade_order_trade_key": ("state = 'accepted'", {"id": FRESH, "hold_id": FRESH}),
}
"""Which row is written twice, and what is made different so that no other key sees it."""

REFERENCES = {
    "bank_line_statement_id_fkey": "statement_id",
    "city_transfer_clearing_fkey": "clearing_id",
    "contract_meter_contract_id_fkey": "contract_id",
    "ledger_balance_account_fkey": "account_id",
    "ledger_day_account_fkey": "account_id",
    "ledger_hold_account_fkey": "account_id",
    "ledger_hold_posting_hold_fkey": "hold_id",
    "ledger_period_balance_account_fkey": "account_id",
    "ledger_period_balance_period_fkey": "period",
    "payout_account_id_fkey": "account_id",
    "payout_batch_id_fkey": "batch_id",
    "refund_trade_id_fkey": "trade_id",
    "trade_contract_id_fkey": "contract_id",
    "trade_use_id_fkey": "use_id",
    "trade_order_contract_id_fkey": "contract_id",
    "trade_order_hold_fkey": "hold_id",
    "trade_order_quote_id_fkey": "quote_id",
    "trade_order_trade_id_fkey": "trade_id",
}
"""The column that is made to point at nothing."""


@pytest_asyncio.fixture(scope="module")
async def books(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Superuser[asyncpg.Record]"]:
    """A market in which every book is written, for all attacks; each of them is rolled back."""
    await every_book_written(module_database, tmp_path_factory.mktemp("key"))
    connection = await asyncpg.connect(module_database.url)
    yield connection
    await connection.close()
    await assert_books_hold(module_database.url)


@pytest_asyncio.fixture(autouse=True)
async def books_hold() -> None:
    """Asserted once, at the end: every attack is rolled back."""


async def asleep(connection: "Superuser[asyncpg.Record]", _guard: Guard) -> None:
    """No trigger fires, those of foreign keys neither."""
    await connection.execute("SET LOCAL session_replication_role = replica")


async def only_references(connection: "Superuser[asyncpg.Record]", guard: Guard) -> None:
    await connection.execute(f"ALTER TABLE {guard.table} DISABLE TRIGGER USER")


async def stands_alone(
    connection: "Superuser[asyncpg.Record]",
    name: str,
    attack: str,
    prepare: Callable[["Superuser[asyncpg.Record]", Guard], Awaitable[None]] = asleep,
) -> None:
    """Refused under this very name; and nothing else refuses it once the guard is gone."""
    guard = (await constraints(connection))[name]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await prepare(connection, guard)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await attempted(connection, attack)
        assert folded(str(refused.value.constraint_name)) == name
        await connection.execute(guard.drop)
        assert await attempted(connection, attack) > 0, "an attack on no row is none"
    finally:
        await transaction.rollback()


async def attempted(connection: "Superuser[asyncpg.Record]", attack: str) -> int:
    """How many rows it touched; what is deferred is checked at once."""
    async with connection.transaction():
        done = await connection.execute(attack)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return int(done.split()[-1])


@pytest.mark.parametrize("name", CHECKS)
async def test_a_condition_refuses_what_only_it_refuses(
    books: "Superuser[asyncpg.Record]", name: str
) -> None:
    await stands_alone(books, name, CHECKS[name])


@pytest.mark.parametrize("name", KEYS)
async def test_a_key_refuses_the_second_row(books: "Superuser[asyncpg.Record]", name: str) -> None:
    table = (await constraints(books))[name].table
    where, changed = KEYS[name]
    different = ", ".join(f"'{column}', {value}" for column, value in changed.items())
    attack = (
        f"INSERT INTO {table} SELECT twin.* FROM (SELECT * FROM {table} WHERE {where} LIMIT 1) AS t,"  # noqa: S608 - names above
        f" jsonb_populate_record(t::{table}, jsonb_build_object({different})) AS twin"
    )
    await stands_alone(books, name, attack)


@pytest.mark.parametrize("name", REFERENCES)
async def test_a_reference_refuses_what_is_not_there(books: "Superuser[asyncpg.Record]", name: str) -> None:
    table, column = (await constraints(books))[name].table, REFERENCES[name]
    stray = "period + 100" if column == "period" else FRESH
    attack = (
        f"UPDATE {table} SET {column} = {stray}"  # noqa: S608 - names above
        f" WHERE ctid = (SELECT ctid FROM {table} WHERE {column} IS NOT NULL LIMIT 1)"
    )
    await stands_alone(books, name, attack, only_references)


async def test_every_constraint_of_the_books_is_attacked(books: "Superuser[asyncpg.Record]") -> None:
    assert {*CHECKS, *KEYS, *REFERENCES} == set(await constraints(books))
