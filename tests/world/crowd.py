"""A market with many rows, copied from a few real ones: large enough that PostgreSQL would rather use an index."""

from dataclasses import dataclass

import asyncpg

from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from tests.world import orders, trading
from tests.world.market import send_to_another_city
from tests.world.trading import Agreement

MANY, SOME = 40_000, 15_000
_NAMED = "md5('{table}/' || {n})::uuid"
_ORDERED = "(lpad(to_hex(1704067200000 + 600000 * ({n})::bigint), 12, '0') || '7' || substr(md5('{table}/' || {n}), 1, 19))::uuid"


@dataclass(frozen=True)
class Copy:
    """`many` copies of one row of a table, whose columns in `differing` are SQL over `n`."""

    table: str
    many: int
    differing: dict[str, str]
    of: str = "true"


def _id(table: str, n: str = "n", *, ordered: bool = False) -> str:
    return (_ORDERED if ordered else _NAMED).format(table=table, n=n)


_PERSON, _OTHER_PERSON = _id("participant", f"n % {SOME}"), _id("participant", f"(n + 1) % {SOME}")
_ACCOUNT = _id("ledger_account", f"n % {SOME}")
COPIES = (
    Copy(
        "participant",
        SOME,
        {
            "id": _id("participant", f"n % {SOME}"),
            "uscc": "upper(translate(substr(md5(n::text), 1, 18), 'io', '00'))",
        },
    ),
    Copy("product", SOME, {"id": _id("product"), "code": "'P' || n", "maker_id": _PERSON}),
    Copy("product_version", SOME, {"id": _id("version"), "product_id": _id("product")}),
    Copy(
        "listing",
        SOME,
        {
            "id": _id("listing", ordered=True),
            "product_id": _id("product"),
            "product_version_id": _id("version"),
            "provider_id": _PERSON,
            "price_fen": "1 + n % 997",
            "published_at": "timestamptz '2024-01-01' + n * interval '1 minute'",
            "name_key": "'\\x' || lpad(to_hex(n), 8, '0')",
            "search": "'w' || n % 500 || ' x' || n % 50",
            "phrases": "'w' || n % 500",
        },
    ),
    Copy(
        "contract",
        SOME,
        {
            "id": _id("contract", ordered=True),
            "listing_id": _id("listing", ordered=True),
            "buyer_id": _PERSON,
            "provider_id": _OTHER_PERSON,
        },
    ),
    Copy("contract_meter", SOME, {"contract_id": _id("contract", ordered=True), "buyer_id": _PERSON}),
    Copy(
        "contract_use",
        MANY,
        {"id": _id("use", ordered=True), "contract_id": _id("contract", f"n % {SOME}", ordered=True)},
    ),
    Copy(
        "trade",
        MANY,
        {
            "id": _id("trade", ordered=True),
            "use_id": _id("use", ordered=True),
            "contract_id": _id("contract", f"n % {SOME}", ordered=True),
            "buyer_id": _PERSON,
            "provider_id": _OTHER_PERSON,
            "occurred_at": "timestamptz '2024-01-01' + n * interval '10 minutes'",
        },
        "state = 'settled'",
    ),
    Copy(
        "refund", SOME, {"id": _id("refund", ordered=True), "trade_id": _id("trade", "n * 2", ordered=True)}
    ),
    Copy("ledger_account", SOME, {"id": _ACCOUNT, "owner_id": _PERSON}, "kind = 'provider_income'"),
    Copy("ledger_balance", SOME, {"account_id": _ACCOUNT}, "may_go_negative"),
    Copy(
        "ledger_entry",
        MANY,
        {
            "id": _id("entry", ordered=True),
            "source_id": _id("trade", ordered=True),
            "effective_at": "timestamptz '2024-01-01' + n * interval '10 minutes'",
            "period": f"202401 + (n * 5 / {MANY})",
        },
        "reverses IS NULL AND kind = 'settlement'",
    ),
    Copy(
        "ledger_leg",
        MANY,
        {
            "entry_id": _id("entry", ordered=True),
            "account_id": _ACCOUNT,
            "seq": "1",
            "period": f"202401 + (n * 5 / {MANY})",
        },
    ),
    Copy(
        "ledger_leg",
        MANY,
        {"entry_id": _id("entry", ordered=True), "seq": "2", "period": f"202401 + (n * 5 / {MANY})"},
    ),
    Copy(
        "ledger_day",
        MANY,
        {"account_id": _ACCOUNT, "day": f"date '2024-01-01' + (n / {SOME}) * 20"},
        "legs > 0",
    ),
    Copy(
        "business_key",
        MANY,
        {"source_id": _id("trade", ordered=True), "entry_id": _id("entry", ordered=True)},
    ),
    Copy(
        "audit_event",
        MANY,
        {"id": _id("event", ordered=True), "subject_id": _id("trade", ordered=True)},
        "action = 'trading.record'",
    ),
    Copy("idempotency_key", MANY, {"key": "'key' || n", "caller": f"'caller' || n % {SOME}"}),
    Copy(
        "ledger_hold",
        SOME,
        {"id": _id("hold", ordered=True), "account_id": _ACCOUNT, "source_id": _id("order", ordered=True)},
    ),
    Copy(
        "trade_order",
        SOME,
        {
            "id": _id("order", ordered=True),
            "contract_id": _id("contract", ordered=True),
            "buyer_id": _PERSON,
            "provider_id": _OTHER_PERSON,
            "hold_id": _id("hold", ordered=True),
        },
    ),
    Copy(
        "city_transfer",
        SOME,
        {
            "id": _id("transfer", ordered=True),
            "owner_id": _PERSON,
            "reference": "'reference ' || n",
            "state": "'settled'",
        },
    ),
)


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", copy: Copy) -> None:
    differing = ", ".join(f"'{column}', {expression}" for column, expression in copy.differing.items())
    made = await connection.execute(
        f"INSERT INTO {copy.table} SELECT made.*"  # noqa: S608 - constants above
        f" FROM (SELECT * FROM {copy.table} WHERE {copy.of} LIMIT 1) AS t, generate_series(1, {copy.many}) AS n,"
        f" jsonb_populate_record(NULL::{copy.table}, to_jsonb(t) || jsonb_build_object({differing})) AS made"
    )
    assert made == f"INSERT 0 {copy.many}", copy.table


async def crowd(database: Database) -> Agreement:
    """A contract in use, of one seller and one buyer, amid thousands of others."""
    agreement = await trading.active_contract(database, of_zone=True)
    first = await trading.trade(database, agreement, 5)
    await trading.refund(database, agreement, first.id, Fen(5))
    for _ in range(40):
        await trading.trade(database, agreement)
    await orders.placed(database, agreement)
    await send_to_another_city(database, agreement.buyer.id)
    return agreement


async def multiply(url: str) -> None:
    """Copy the rows that are there, past all triggers, and let PostgreSQL look at what it has now."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, status, body, claimed_at)"
            " SELECT ledger_id, 'caller', 'key', digest, 201, digest, recorded_at FROM ledger_entry LIMIT 1"
        )
        for copy in COPIES:
            await _copy(connection, copy)
        await connection.execute("SET session_replication_role = origin")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
