"""The same market, grown inside the database: ten million legs with all that belongs to them, a million listings.

Rows are made by SQL as a superuser with triggers off, as a restore would; they are whole, and `check` passes on them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from datamarket.foundation.db import with_database
from loadtests.pgbench import PgBench

STEP = 50_000
GROWN_DAYS = 300
_TRADES = """
WITH buyer AS MATERIALIZED (SELECT * FROM bench_buyer),
sale AS MATERIALIZED (
    SELECT made.number, moment.at, to_char(moment.at AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer AS period,
           uuidv7(moment.at - now()) AS use_id, uuidv7(moment.at - now()) AS trade_id, uuidv7(moment.at - now()) AS entry_id,
           uuidv7(moment.at - now()) AS event_id, b.contract_id, b.id AS funds_id, b.account_id
      FROM generate_series($1::bigint, $2::bigint) AS made (number)
      JOIN buyer AS b ON b.number = 1 + made.number % {buyers},
           LATERAL (SELECT now() - interval '{days} days' * (1 - made.number::numeric / $3)::float8 AS at) AS moment),
leg AS MATERIALIZED (
    SELECT s.number, s.period, s.entry_id, s.at, part.seq, coalesce(part.account, s.funds_id) AS account_id, part.amount
      FROM sale AS s, unnest(ARRAY[{seqs}], ARRAY[NULL, {receivers}]::uuid[], ARRAY[{amounts}]::bigint[])
                      AS part (seq, account, amount)),
used AS (
    INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
    SELECT use_id, contract_id, 'industrial_development', 1, at, account_id, true FROM sale),
traded AS (
    INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category,
                       quantity, unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at,
                       refunded_fen, state, version)
    SELECT s.trade_id, {ledger}, c.id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
           1, c.price_fen, c.price_fen, '{split}'::jsonb, '{rule}', s.at, s.at, 0, 'settled', 1
      FROM sale AS s JOIN contract AS c ON c.id = s.contract_id),
told AS (
    INSERT INTO audit_event (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
    SELECT event_id, at, account_id, account_id, 'trading.record', 'trade', trade_id,
           jsonb_build_object('amount_fen', {gross}, 'entry_id', entry_id) FROM sale),
known AS (
    INSERT INTO business_key (ledger_id, source_type, source_id, kind, period, entry_id)
    SELECT {ledger}, 'trade', trade_id, 'settlement', period, entry_id FROM sale),
entered AS (
    INSERT INTO ledger_entry
        (ledger_id, period, id, kind, effective_at, recorded_at, source_type, source_id, reverses, actor_id, digest)
    SELECT {ledger}, s.period, s.entry_id, 'settlement', s.at, s.at, 'trade', s.trade_id, NULL, s.account_id,
           ledger_digest({ledger}, s.period, s.entry_id, 'settlement', s.at, s.at, 'trade', s.trade_id, NULL, s.account_id, l.content)
      FROM sale AS s JOIN (SELECT number, string_agg(seq || ':' || account_id || ':' || amount, ',' ORDER BY seq) AS content
                             FROM leg GROUP BY number) AS l USING (number)),
moved AS (
    INSERT INTO ledger_leg (ledger_id, period, entry_id, seq, account_id, amount_fen)
    SELECT {ledger}, period, entry_id, seq, account_id, amount FROM leg)
SELECT count(*) FROM sale
"""
_TOTALS = (
    """
    UPDATE contract_meter AS m SET used = u.used
      FROM (SELECT contract_id, sum(quantity)::bigint AS used FROM contract_use GROUP BY contract_id) AS u
     WHERE u.contract_id = m.contract_id
    """,
    """
    UPDATE ledger_balance AS b SET debit_fen = l.debit, credit_fen = l.credit, version = l.legs
      FROM (SELECT ledger_id, account_id, count(*) AS legs,
                   coalesce(sum(amount_fen) FILTER (WHERE amount_fen > 0), 0)::bigint AS debit,
                   coalesce(-sum(amount_fen) FILTER (WHERE amount_fen < 0), 0)::bigint AS credit
              FROM ledger_leg GROUP BY ledger_id, account_id) AS l
     WHERE b.ledger_id = l.ledger_id AND b.account_id = l.account_id
    """,
    "DELETE FROM ledger_day",
    """
    INSERT INTO ledger_day (ledger_id, account_id, day, debit_fen, credit_fen, legs)
    SELECT l.ledger_id, l.account_id, ledger_accounting_day(e.effective_at, e.period),
           coalesce(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0),
           coalesce(-sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0), count(*)
      FROM ledger_leg l JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
     GROUP BY 1, 2, 3
    """,
    "DELETE FROM monthly_turnover",
    """
    INSERT INTO monthly_turnover
    SELECT t.* FROM (SELECT DISTINCT ledger_id FROM trade) AS l, turnover_recounted(l.ledger_id) AS t
    """,
    "DELETE FROM market_tally",
    "INSERT INTO market_tally SELECT * FROM tally_recounted()",
)
_COPIES = """
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT l.id AS listing, l.product_id AS product, l.product_version_id AS version, copy.number,
       uuidv7(l.published_at - now()) AS new_listing, uuidv7(l.published_at - now()) AS new_product,
       uuidv7(l.published_at - now()) AS new_version, l.published_at - copy.number * interval '7 minutes' AS at
  FROM listing AS l, generate_series($1::int, $2::int) AS copy (number)
 WHERE l.product_code LIKE 'BENCH-%' AND l.product_code NOT LIKE '%-C%'
"""
_TABLES = ("product", "product_version", "listing")
_CHANGED = {
    "product": {"id": "f.new_product", "code": "t.code || '-C' || f.number", "created_at": "f.at"},
    "product_version": {"id": "f.new_version", "product_id": "f.new_product", "created_at": "f.at"},
    "listing": {
        "id": "f.new_listing",
        "product_id": "f.new_product",
        "product_version_id": "f.new_version",
        "product_code": "t.product_code || '-C' || f.number",
        "published_at": "f.at",
        "created_at": "f.at",
    },
}


@dataclass(frozen=True)
class Growth:
    """How large a market becomes."""

    legs: int
    listings: int


async def copy_of(url: str, name: str) -> str:
    """The URL of a copy of this database; nobody may be connected to the original meanwhile."""
    server = with_database(url, "postgres")
    original = urlsplit(url).path.lstrip("/")
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    finally:
        await connection.close()
    return with_database(url, name)


async def grow_database(url: str, alone: PgBench, to: Growth, *, listings: int) -> None:
    """Add what is missing, total it, then let the database know its new size."""
    trades = to.legs // alone.legs_of_a_sale
    copies = max(0, to.listings // listings - 1)
    await _add_listings(url, copies)
    half = trades // 2
    await asyncio.gather(
        _add_trades(url, alone.facts, 1, half, of=trades),
        _add_trades(url, alone.facts, half + 1, trades, of=trades),
    )
    connection = await _as_restored(url)
    try:
        for statement in _TOTALS:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _as_restored(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A superuser's connection on which no trigger fires and no commit waits."""
    settings = {"session_replication_role": "replica", "synchronous_commit": "off", "work_mem": "256MB"}
    return await asyncpg.connect(url, server_settings=settings)


async def _add_trades(url: str, facts: Mapping[str, object], first: int, last: int, *, of: int) -> None:
    connection = await _as_restored(url)
    try:
        statement = _TRADES.format_map({**facts, "days": GROWN_DAYS})
        for begin in range(first, last + 1, STEP):
            await connection.execute(statement, begin, min(begin + STEP - 1, last), of)
    finally:
        await connection.close()


async def _add_listings(url: str, copies: int) -> None:
    """Whole sets of copies; what differs is the id, the code and the time."""
    connection = await _as_restored(url)
    try:
        for first in range(1, copies + 1, 5):
            async with connection.transaction():
                await connection.execute(_COPIES, first, min(first + 4, copies))
                for table in _TABLES:
                    columns = await _columns(connection, table)
                    chosen = [_CHANGED[table].get(column, f"t.{column}") for column in columns]
                    own = {"product": "product", "product_version": "version", "listing": "listing"}[table]
                    await connection.execute(
                        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)}"  # noqa: S608 - our own names
                        f" FROM fresh AS f JOIN {table} AS t ON t.id = f.{own}"
                    )
    finally:
        await connection.close()


async def _columns(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> Sequence[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        table,
    )
    return [row["attname"] for row in rows]
