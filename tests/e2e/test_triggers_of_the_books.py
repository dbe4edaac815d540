"""Each trigger of the books, each name under which their functions refuse, and each withheld privilege, provoked."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
import pytest_asyncio

from datamarket.foundation.db import APP_ROLE, Database, owner_connection
from datamarket.server.checks import check_books
from tests.world import trading
from tests.world.books import assert_books_hold
from tests.world.guards import BOOKS, folded, raised, triggers
from tests.world.market import every_book_written

Superuser = asyncpg.Connection

KEEPING = {("trade", "trade_turnover"), ("refund", "refund_turnover")}
"""They refuse nothing: what they miss while they sleep is missed by I17."""
TELLING = {("contract_meter", "dataspace_follow_meter")}
"""What it misses is told late, to connectors alone."""
TRIGGERS: dict[tuple[str, str], Sequence[str]] = {
    ("audit_event", "audit_event_append_only"): ("UPDATE audit_event SET id = id", "DELETE FROM audit_event"),
    ("audit_event", "audit_event_no_truncate"): ("TRUNCATE audit_event",),
    ("bank_line", "bank_line_fixed"): ("UPDATE bank_line SET amount_fen = amount_fen",),
    ("bank_line", "bank_line_no_delete"): ("DELETE FROM bank_line",),
    ("bank_line", "bank_line_no_truncate"): ("TRUNCATE bank_line",),
    ("bank_line", "bank_line_over"): (
        "UPDATE bank_line SET version = version WHERE match_state = 'matched'",
    ),
    ("bank_statement", "bank_statement_append_only"): (
        "UPDATE bank_statement SET day = day",
        "DELETE FROM bank_statement",
    ),
    ("bank_statement", "bank_statement_no_truncate"): ("TRUNCATE bank_statement CASCADE",),
    ("ledger_entry", "ledger_entry_append_only"): (
        "UPDATE ledger_entry SET kind = kind",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_entry_p2024 SET kind = kind",
        "DELETE FROM ledger_entry_p2024",
    ),
    ("ledger_entry", "ledger_entry_no_truncate"): ("TRUNCATE ledger_entry",),
    ("ledger_entry_p2024", "no_truncate"): ("TRUNCATE ledger_entry_p2024",),
    ("ledger_hold", "ledger_hold_no_delete"): ("DELETE FROM ledger_hold",),
    ("ledger_hold", "ledger_hold_no_truncate"): ("TRUNCATE ledger_hold CASCADE",),
    ("ledger_hold", "ledger_hold_only_resolves"): (
        "UPDATE ledger_hold SET amount_fen = amount_fen + 1 WHERE state = 'held'",
        "UPDATE ledger_hold SET expires_at = expires_at + interval '1 day'",
        "UPDATE ledger_hold SET posted_fen = 0, state = 'held', resolved_at = NULL WHERE state = 'posted'",
    ),
    ("ledger_hold_posting", "ledger_hold_posting_append_only"): (
        "UPDATE ledger_hold_posting SET amount_fen = amount_fen",
        "DELETE FROM ledger_hold_posting",
    ),
    ("ledger_hold_posting", "ledger_hold_posting_debits"): (
        "INSERT INTO ledger_hold_posting SELECT ledger_id, hold_id, gen_random_uuid(), amount_fen FROM ledger_hold_posting",
        (
            "INSERT INTO ledger_hold_posting SELECT p.ledger_id, p.hold_id, e.id, p.amount_fen FROM ledger_hold_posting p,"
            " (SELECT id FROM ledger_entry WHERE kind = 'refund' LIMIT 1) AS e"
        ),
    ),
    ("ledger_hold_posting", "ledger_hold_posting_no_truncate"): ("TRUNCATE ledger_hold_posting",),
    ("ledger_leg", "ledger_leg_append_only"): (
        "UPDATE ledger_leg SET amount_fen = amount_fen",
        "DELETE FROM ledger_leg",
        "UPDATE ledger_leg_p2024 SET amount_fen = amount_fen",
        "DELETE FROM ledger_leg_p2024",
    ),
    ("ledger_leg", "ledger_leg_balanced"): (
        "INSERT INTO ledger_leg SELECT ledger_id, period, entry_id, seq + 10, account_id, 1 FROM ledger_leg",
    ),
    ("ledger_leg", "ledger_leg_no_truncate"): ("TRUNCATE ledger_leg",),
    ("ledger_leg_p2024", "balanced"): (
        "INSERT INTO ledger_leg_p2024 SELECT ledger_id, period, entry_id, seq + 10, account_id, 1 FROM ledger_leg_p2024",
    ),
    ("ledger_leg_p2024", "no_truncate"): ("TRUNCATE ledger_leg_p2024",),
    ("ledger_period_balance", "ledger_period_balance_append_only"): (
        "UPDATE ledger_period_balance SET revision = revision",
        "DELETE FROM ledger_period_balance",
    ),
    ("ledger_period_balance", "ledger_period_balance_no_truncate"): ("TRUNCATE ledger_period_balance",),
    ("payout", "payout_fixed"): ("UPDATE payout SET amount_fen = amount_fen",),
    ("payout", "payout_no_delete"): ("DELETE FROM payout",),
    ("payout", "payout_no_truncate"): ("TRUNCATE payout",),
    ("payout", "payout_over"): ("UPDATE payout SET version = version WHERE state = 'executed'",),
    ("payout_batch", "payout_batch_fixed"): ("UPDATE payout_batch SET total_fen = total_fen",),
    ("payout_batch", "payout_batch_no_delete"): ("DELETE FROM payout_batch",),
    ("payout_batch", "payout_batch_no_truncate"): ("TRUNCATE payout_batch CASCADE",),
    ("payout_batch", "payout_batch_over"): (
        "UPDATE payout_batch SET version = version WHERE state = 'settled'",
    ),
    ("seal_block", "seal_block_append_only"): ("UPDATE seal_block SET root = root", "DELETE FROM seal_block"),
    ("seal_block", "seal_block_no_truncate"): ("TRUNCATE seal_block",),
    ("seal_leaves", "seal_leaves_append_only"): (
        "UPDATE seal_leaves SET kinds = kinds",
        "DELETE FROM seal_leaves",
    ),
    ("seal_leaves", "seal_leaves_no_truncate"): ("TRUNCATE seal_leaves",),
    ("seal_node", "seal_node_append_only"): ("UPDATE seal_node SET hash = hash", "DELETE FROM seal_node"),
    ("seal_node", "seal_node_no_truncate"): ("TRUNCATE seal_node",),
    ("trade", "trade_amount"): ("UPDATE trade SET quantity = quantity + 1",),
    ("trade_order", "trade_order_amount"): ("UPDATE trade_order SET amount_fen = amount_fen + 1",),
}
REFUSES_AS = {
    "ledger_hold_posting_debits": "ledger_hold_posting_debits",
    "ledger_leg_balanced": "ledger_entry_balanced",
    "balanced": "ledger_entry_balanced",
    "trade_amount": "trade_amount_check",
    "trade_order_amount": "trade_order_amount_check",
}
"""Every other trigger says `append_only`."""

_POST = """
SELECT ledger_post(p.ledger_id, now(), p.month, ARRAY[gen_random_uuid()], ARRAY[p.month], ARRAY['deposit'],
                   ARRAY[timestamptz '2024-06-03 04:00+00'], ARRAY['test'], ARRAY[gen_random_uuid()],
                   ARRAY[(SELECT id FROM ledger_entry WHERE kind = 'settlement' AND p.reverses LIMIT 1)],
                   ARRAY[gen_random_uuid()], ARRAY[1, 1], ARRAY[1, 2],
                   (SELECT array_agg(id) FROM (SELECT id FROM ledger_account WHERE owner_id IS NULL AND ledger_id = 370200
                                                ORDER BY kind LIMIT 2) AS a), ARRAY[5, p.other]::bigint[])
  FROM (%s) AS p (ledger_id, month, other, reverses)
"""
_RESOLVE = """
SELECT ledger_resolve_holds(ledger_id, %s, ARRAY[%s], ARRAY[%s]::bigint[], ARRAY[false], ARRAY[gen_random_uuid()], ARRAY['test'])
  FROM ledger_hold WHERE state = '%s' LIMIT 1
"""
RAISED = {
    "ledger_entry_balanced": _POST % "VALUES (370200, 202406, -4, false)",
    "ledger_leg_of_an_entry": (
        "INSERT INTO ledger_leg SELECT l.ledger_id, l.period, nothing.id, l.seq, l.account_id, l.amount_fen FROM ledger_leg l,"
        " (SELECT gen_random_uuid() AS id) AS nothing WHERE l.entry_id = (SELECT id FROM ledger_entry LIMIT 1)"
    ),
    "ledger_leg_of_an_account": _POST % "VALUES (110000, 202406, -5, false)",
    "ledger_reversal_within_original": _POST % "VALUES (370200, 202406, -5, true)",
    "ledger_period_open": (
        _POST % "SELECT ledger_id, id, -5, false FROM ledger_period WHERE state = 'closed' LIMIT 1"
    ),
    "ledger_period_moves": "SELECT ledger_move_period(370200, 202301, 'open', 'closed')",
    "ledger_period_order": (
        "SELECT ledger_move_period(370200, 202407, 'open', 'closing'), ledger_close_period(370200, 202407, now())"
    ),
    "ledger_balance_not_overdrawn": (
        "SELECT ledger_place_holds(ledger_id, now(), ARRAY[gen_random_uuid()], ARRAY[account_id], ARRAY[1::bigint],"
        " ARRAY[now() + interval '1 day'], ARRAY['test'], ARRAY[gen_random_uuid()], ARRAY[gen_random_uuid()], ARRAY[NULL::uuid])"
        " FROM ledger_balance WHERE may_go_negative AND credit_fen <= debit_fen LIMIT 1"
    ),
    "ledger_hold_known": _RESOLVE % ("now()", "gen_random_uuid()", "0", "held"),
    "ledger_hold_resolved_once": _RESOLVE % ("created_at", "id", "0", "posted"),
    "ledger_hold_in_time": _RESOLVE % ("expires_at", "id", "1", "held"),
    "ledger_hold_within_amount": _RESOLVE % ("created_at", "id", "amount_fen + 1", "held"),
    "append_only": "UPDATE ledger_hold SET amount_fen = amount_fen + 1",
    "ledger_hold_posting_debits": (
        "INSERT INTO ledger_hold_posting SELECT ledger_id, hold_id, gen_random_uuid(), amount_fen FROM ledger_hold_posting"
    ),
}
"""What a superuser asks of the functions and triggers of the books, by the name of the refusal."""

WRITES = {
    "audit_event": {"INSERT": "at"},
    "bank_line": {"INSERT": "id", "UPDATE": "match_state"},
    "bank_statement": {"INSERT": "id"},
    "city_transfer": {"INSERT": "id", "UPDATE": "state"},
    "contract_meter": {"INSERT": "used", "UPDATE": "used", "DELETE": ""},
    "idempotency_key": {"INSERT": "key", "UPDATE": "key", "DELETE": ""},
    "payout": {"INSERT": "id", "UPDATE": "state"},
    "payout_batch": {"INSERT": "id", "UPDATE": "state"},
    "refund": {"INSERT": "id", "UPDATE": "id", "DELETE": ""},
    "seal_block": {"INSERT": "number"},
    "seal_leaves": {"INSERT": "ids"},
    "seal_node": {"INSERT": "hash"},
    "trade": {"INSERT": "id", "UPDATE": "id", "DELETE": ""},
    "trade_order": {"INSERT": "id", "UPDATE": "id"},
}
"""All that the application may write itself, with a column that it may write."""

FORMS = {
    "INSERT": "INSERT INTO {table} ({column}) SELECT (NULL::{table}).{column} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = (NULL::{table}).{column} WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
}
FIXED = {
    "bank_line": "amount_fen",
    "city_transfer": "amount_fen",
    "payout": "amount_fen",
    "payout_batch": "total_fen",
}
"""Columns of these that the application sets once."""

OWNERS_HANDS = {
    "ledger_close_period",
    "ledger_expire_holds",
    "ledger_hold_posting_has_entry",
    "ledger_hold_still",
    "ledger_lock_balances",
    "ledger_move_period",
    "ledger_open_accounts",
    "ledger_place_holds",
    "ledger_post",
    "ledger_resolve_holds",
    "tally_of_listings",
    "tally_of_products",
    "turnover_of_refunds",
    "turnover_of_trades",
}
"""Functions that write the books, or count for the overview, in the application's place."""

WITHHELD = {
    "ledger_close_through": "SELECT ledger_close_through(370200, 202401, now())",
    "ledger_guard_reversals": "SELECT ledger_guard_reversals(370200, '{}')",
    "ledger_make_partitions": "SELECT ledger_make_partitions(2050, 2051)",
    "ledger_take_closing": "SELECT ledger_take_closing(370200, 202401, now())",
    "tally_add": "SELECT tally_add('published_listings', 1)",
    "turnover_add": "SELECT turnover_add('{}')",
}


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


@pytest_asyncio.fixture
async def undone(books: "Superuser[asyncpg.Record]") -> AsyncIterator["Superuser[asyncpg.Record]"]:
    transaction = books.transaction()
    await transaction.start()
    yield books
    await transaction.rollback()


async def refusal(connection: "Superuser[asyncpg.Record]", attack: str) -> asyncpg.PostgresError | None:
    """What refused it, deferred checks at once; None when it went through."""
    try:
        async with connection.transaction():
            await connection.execute(attack)
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except asyncpg.PostgresError as error:
        return error
    return None


def name_of(error: asyncpg.PostgresError | None) -> str | None:
    return getattr(error, "constraint_name", None)


@pytest.mark.parametrize(
    ("guard", "attack"),
    [(guard, attack) for guard, attacks in TRIGGERS.items() for attack in attacks],
    ids=lambda given: given if isinstance(given, str) else given[1],
)
async def test_a_trigger_refuses_alone_what_goes_through_while_it_sleeps(
    undone: "Superuser[asyncpg.Record]", guard: tuple[str, str], attack: str
) -> None:
    table, name = guard
    await undone.execute("SET LOCAL session_replication_role = replica")
    asleep = undone.transaction()
    await asleep.start()
    assert not (await undone.execute(attack)).endswith(" 0"), "an attack on no row is none"
    await asleep.rollback()
    await undone.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    assert name_of(await refusal(undone, attack)) == REFUSES_AS.get(name, "append_only")


async def test_every_trigger_of_the_books_is_attacked(books: "Superuser[asyncpg.Record]") -> None:
    assert {(folded(table), name) for table, name in TRIGGERS} == await triggers(books) - KEEPING - TELLING


@pytest.mark.parametrize("name", RAISED)
async def test_a_function_of_the_books_refuses_under_this_name(
    undone: "Superuser[asyncpg.Record]", name: str
) -> None:
    assert name_of(await refusal(undone, RAISED[name])) == name


async def test_every_name_that_functions_raise_is_provoked(books: "Superuser[asyncpg.Record]") -> None:
    assert set(RAISED) == await raised(books)


async def test_the_application_writes_what_is_listed_and_nothing_else(
    undone: "Superuser[asyncpg.Record]",
) -> None:
    tables = await undone.fetch(
        "SELECT c.relname AS name, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) AS first"
        " FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname ~ $1",
        BOOKS,
    )
    assert len(tables) > 30
    await undone.execute(f"SET LOCAL ROLE {APP_ROLE}")
    for table in tables:
        may = WRITES.get(table["name"], {})
        for privilege, form in FORMS.items():
            attack = form.format(table=table["name"], column=may.get(privilege) or table["first"])
            refused = await refusal(undone, attack)
            assert (refused is None) == (privilege in may), attack
            assert refused is None or isinstance(refused, asyncpg.InsufficientPrivilegeError), attack
    for name, column in FIXED.items():
        refused = await refusal(undone, FORMS["UPDATE"].format(table=name, column=column))
        assert isinstance(refused, asyncpg.InsufficientPrivilegeError), name


async def test_the_application_calls_what_is_listed_with_the_owners_hands(
    undone: "Superuser[asyncpg.Record]",
) -> None:
    functions = await undone.fetch(
        "SELECT proname, prosecdef, has_function_privilege($1::name, oid, 'EXECUTE') AS may"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'",
        APP_ROLE,
    )
    assert {row["proname"] for row in functions if row["prosecdef"]} == OWNERS_HANDS
    assert {row["proname"] for row in functions if not row["may"]} == set(WITHHELD)
    await undone.execute(f"SET LOCAL ROLE {APP_ROLE}")
    for attack in WITHHELD.values():
        assert isinstance(await refusal(undone, attack), asyncpg.InsufficientPrivilegeError), attack


@pytest.mark.parametrize(("table", "trigger"), sorted(KEEPING))
async def test_what_a_sleeping_trigger_does_not_keep_is_missed(
    fresh_database: Database, table: str, trigger: str
) -> None:
    deal = await trading.active_contract(fresh_database)
    async with owner_connection(fresh_database.url) as owner:
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    made = await trading.trade(fresh_database, deal, 3)
    await trading.refund(fresh_database, deal, made.id)
    findings = await check_books(fresh_database.url, trading.LEDGER_ID)
    assert [found.check.id for found in findings if not found.holds] == ["I17"]
