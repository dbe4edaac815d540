"""`python -m loadtests.bulk --times 1 --uses 1000000`: a simulated market, grown by sets inside the database.

First so many times its enterprises, their products, listings and contracts; then whole sales up to so many uses.
Price, division and legs of a sale are asked of the market's rules, once a contract; the sales go in by sets: counted on
the meters, used, traded, told, and posted by the posting function, with every guard on. Who pays has paid in before.
"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from uuid import UUID

import orjson
import uvloop

from datamarket.auth.terms import Actor, Role
from datamarket.contracts.accounts import accounts_of
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.evidence.actions import Event, record_many
from datamarket.foundation.clock import business_date, month_of, read_clock, year_bounds
from datamarket.foundation.db import Connection, owner_connection
from datamarket.foundation.money import Fen, split
from datamarket.ledger import posting
from datamarket.ledger.books.actions import deposit_source
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.migrations.scripts import FOLDER
from datamarket.server.database import opened_database
from datamarket.simulation.names import fictional_code
from datamarket.trading import rules
from datamarket.trading.revenue.files import revenue_rules
from datamarket.trading.terms import Sale

YEAR = 2024
SINCE = year_bounds(YEAR)[0] + timedelta(days=9)
UNTIL = year_bounds(YEAR)[1] - timedelta(days=1)
"""The year that is simulated, from when its contracts are signed."""
STEP = 5_000
"""Sales a transaction: more gain nothing, and hold the busiest balances for longer."""
WORKERS = 2
SCATTER = 1_000_003
"""A prime, so that sale after sale falls on another contract, and each contract gets what was counted for it."""
_CONTRACTS = """
SELECT m.contract_id, m.buyer_id, m.purposes[1] AS purpose,
       coalesce((SELECT min(a.id::text)::uuid FROM account a WHERE a.participant_id = m.buyer_id), m.buyer_id) AS account_id
  FROM contract_meter m JOIN contract c ON c.id = m.contract_id
 WHERE m.state = 'active' AND m.quota IS NULL AND c.price_model = 'per_call'
   AND m.term_from <= $1 AND m.term_to >= $2
   AND NOT EXISTS (SELECT FROM participant p WHERE p.id IN (c.buyer_id, c.provider_id) AND p.state <> 'admitted')
 ORDER BY m.contract_id
"""
_COPIED = {
    "participant": {
        "id": "id",
        "uscc": "(SELECT uscc FROM unnest($2::uuid[], $3::text[]) AS given (id, uscc) WHERE given.id = t.id)",
        "name_zh": "t.name_zh || $1",
        "name_en": "t.name_en || ' ' || $1",
    },
    "product": {"id": "id", "maker_id": "id", "code": "t.code || '-' || $1"},
    "product_version": {"id": "id", "product_id": "id"},
    "listing": {
        "id": "id",
        "product_id": "id",
        "product_version_id": "id",
        "provider_id": "id",
        "product_code": "t.product_code || '-' || $1",
    },
    "contract": {"id": "id", "listing_id": "id", "product_id": "id", "provider_id": "id", "buyer_id": "id"},
    "contract_meter": {"contract_id": "id", "buyer_id": "id", "used": "0"},
    "contract_link": {"contract_id": "id"},
}
"""By table, in the order of their keys: what differs in a copy. `id` is a copied row's own or that which it refers to."""
_CHOSEN = {
    "participant": "t.id = ANY ($2)",
    "product": "t.maker_id = ANY ($2)",
    "product_version": "EXISTS (SELECT FROM product p WHERE p.id = t.product_id AND p.maker_id = ANY ($2))",
    "listing": "t.provider_id = ANY ($2)",
    "contract": "t.buyer_id = ANY ($2) AND t.provider_id = ANY ($2) AND t.state = 'active' AND t.quota IS NULL",
    "contract_meter": "EXISTS (SELECT FROM contract c WHERE c.id = t.contract_id AND c.provider_id = ANY ($2))"
    " AND t.buyer_id = ANY ($2) AND t.state = 'active' AND t.quota IS NULL",
    "contract_link": "EXISTS (SELECT FROM contract_meter m JOIN contract c ON c.id = m.contract_id WHERE m.contract_id = t.contract_id"
    " AND c.provider_id = ANY ($2) AND c.buyer_id = ANY ($2) AND m.state = 'active' AND m.quota IS NULL)",
}
_COPIED_ID = "overlay(t.{0}::text PLACING left(md5(t.{0}::text || $1), 12) FROM 25)::uuid"
"""As it was but for its last 48 bits, which follow from the number of the copy: its time still leads."""
_COLUMNS = """
SELECT attname FROM pg_attribute
 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
FIRST_SERIAL = 1_000_000
"""Of copied enterprises' codes: far beyond what the simulator gives."""
_TABLE = """
CREATE UNLOGGED TABLE IF NOT EXISTS bulk_contract (
    worker integer, upto bigint, contract_id uuid, buyer_id uuid, account_id uuid, purpose text, amount_fen bigint,
    split jsonb, revenue_rule text, accounts uuid[], amounts bigint[], PRIMARY KEY (worker, upto));
TRUNCATE bulk_contract;
"""
_STEP = (
    """
    CREATE TEMP TABLE bulk_sale ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY place) AS number, at, {id_at} AS use_id, {id_at} AS trade_id,
           {id_at} AS entry_id, c.*
      FROM generate_series({first}::bigint, {last}::bigint) AS place,
           LATERAL (SELECT timestamptz '{since}' + interval '1 second' * ({seconds}::float8 * place / {sales}) AS at) AS moment,
           LATERAL (SELECT * FROM bulk_contract WHERE worker = {worker} AND upto > place * {scatter} % {sales}
                     ORDER BY upto LIMIT 1) AS c
    """,
    """
    UPDATE contract_meter AS m SET used = m.used + s.uses
      FROM (SELECT contract_id, count(*) AS uses FROM bulk_sale GROUP BY contract_id) AS s WHERE s.contract_id = m.contract_id
    """,
    """
    INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
    SELECT use_id, contract_id, purpose, 1, at, account_id, true FROM bulk_sale
    """,
    """
    INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category,
                       quantity, unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at,
                       refunded_fen, state, version)
    SELECT s.trade_id, {ledger}, c.id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
           1, c.price_fen, s.amount_fen, s.split, s.revenue_rule, s.at, now(), 0, 'settled', 1
      FROM bulk_sale AS s JOIN contract AS c ON c.id = s.contract_id
    """,
    """
    INSERT INTO audit_event (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
    SELECT {id_now}, now(), account_id, buyer_id, 'trading.record', 'trade', trade_id,
           jsonb_build_object('amount_fen', amount_fen, 'entry_id', entry_id) FROM bulk_sale
    """,
    """
    SELECT ledger_post({ledger}, now(), {month}, e.ids, e.months, e.kinds, e.times, e.types, e.sources, e.none, e.actors,
                       l.entries, l.seqs, l.accounts, l.amounts)
      FROM (SELECT array_agg(entry_id ORDER BY number) AS ids,
                   array_agg(to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYYMM')::integer ORDER BY number) AS months,
                   array_agg('settlement'::text) AS kinds, array_agg(at ORDER BY number) AS times,
                   array_agg('trade'::text) AS types, array_agg(trade_id ORDER BY number) AS sources,
                   array_agg(NULL::uuid) AS none, array_agg(account_id ORDER BY number) AS actors FROM bulk_sale) AS e,
           (SELECT array_agg(number::integer ORDER BY number, seq) AS entries,
                   array_agg(seq::integer ORDER BY number, seq) AS seqs,
                   array_agg(account ORDER BY number, seq) AS accounts, array_agg(amount ORDER BY number, seq) AS amounts
              FROM bulk_sale, unnest(accounts, amounts) WITH ORDINALITY AS leg (account, amount, seq)) AS l
    """,
)
"""One transaction; the posting comes last, as it holds the balances that every sale touches."""


@dataclass(frozen=True)
class Asked:
    """A contract in force, who uses it and for what, its sale of one unit, and how many of those are wanted."""

    contract_id: UUID
    buyer: Actor
    purpose: str
    sale: Sale
    uses: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bulk", description=__doc__)
    parser.add_argument("--uses", type=int, required=True, help="in the market afterwards")
    parser.add_argument("--times", type=int, default=1, help="the simulated market, so many times over")
    wanted = parser.parse_args()
    with opened_database() as market:
        uvloop.run(grow(market.url, market.settings.ledger_id, wanted.times, wanted.uses))
    return 0


async def grow(url: str, ledger_id: int, times: int, uses: int) -> None:
    started = time.perf_counter()
    async with owner_connection(url, synchronous_commit="off") as connection:
        await multiply(connection, times)
        lacking = uses - await connection.fetchval("SELECT count(*) FROM contract_use")
        if lacking <= 0:
            return
        asked = await _share(connection, ledger_id, lacking)
        await _pay_in(connection, ledger_id, asked)
        await connection.execute(_TABLE)
        for worker in range(WORKERS):
            await _keep(connection, worker, asked[worker::WORKERS])
    multiplied = time.perf_counter()
    await asyncio.gather(
        *(_sell(url, ledger_id, worker, asked[worker::WORKERS]) for worker in range(WORKERS))
    )
    async with owner_connection(url) as connection:
        await connection.execute("DROP TABLE bulk_contract")
        sold = time.perf_counter()
        await connection.execute("VACUUM ANALYZE")
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
    print(
        f"{times} times the market in {multiplied - started:.0f} s, {lacking:,} uses in {sold - multiplied:.0f} s, "
        f"statistics in {time.perf_counter() - sold:.0f} s; {size / 2**30:.1f} GiB",
        file=sys.stderr,
    )


async def multiply(connection: Connection, times: int) -> None:
    """The admitted enterprises, their offers and open contracts, so many times; once a market, as the ids follow from it.

    No action made them: they are taken over into audit events as the upgrade takes over rows of before.
    """
    rows = await connection.fetch(
        "SELECT id, division FROM participant WHERE kind = 'enterprise' AND state = 'admitted' ORDER BY id"
    )
    statements = [(table, await _copying(connection, table)) for table in _COPIED]
    for copy in range(1, times):
        serials = range(FIRST_SERIAL + copy * len(rows), FIRST_SERIAL + (copy + 1) * len(rows))
        codes = [fictional_code(row["division"], serial) for row, serial in zip(rows, serials, strict=True)]
        async with connection.transaction():
            for table, statement in statements:
                also = [codes] if table == "participant" else []
                await connection.execute(statement, str(copy), [row["id"] for row in rows], *also)
    await connection.execute((FOLDER / "0023_registers.sql").read_text(encoding="utf-8"))


async def _copying(connection: Connection, table: str) -> str:
    """What the table holds of these enterprises, once more under other ids."""
    changed = {
        column: _COPIED_ID.format(column) if value == "id" else value
        for column, value in _COPIED[table].items()
    }
    columns = [row["attname"] for row in await connection.fetch(_COLUMNS, table)]
    chosen = ", ".join(changed.get(column, f"t.{column}") for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} AS t WHERE {_CHOSEN[table]}"  # noqa: S608 - our own names
    )


async def _share(connection: Connection, ledger_id: int, uses: int) -> list[Asked]:
    """The n-th contract gets 1/n of what the first one gets [assumed]. Raises LookupError where none is in force."""
    rows = await connection.fetch(_CONTRACTS, SINCE, UNTIL)
    if not rows:
        raise LookupError("contract")
    terms = await FrozenTermsReader().read(connection, [row["contract_id"] for row in rows])
    accounts = [account for one in terms.values() for account in accounts_of(ledger_id, one)]
    await posting.open_accounts(connection, ledger_id, accounts, now=read_clock())
    rule = rules.rule_at(revenue_rules(), business_date(SINCE))
    shares = split(Fen(uses), [10**9 // place for place in range(1, len(rows) + 1)])
    return [
        Asked(
            row["contract_id"],
            Actor(row["account_id"], row["buyer_id"], frozenset({Role.BUYER})),
            row["purpose"],
            rules.sale(ledger_id, terms[row["contract_id"]], 1, rule),
            share,
        )
        for row, share in zip(rows, shares, strict=True)
        if share
    ]


async def _pay_in(connection: Connection, ledger_id: int, asked: Sequence[Asked]) -> None:
    """Each buyer what its uses will cost, to the fen, many entries a posting."""
    now, owed = read_clock(), defaultdict[Actor, int](int)
    for one in asked:
        owed[one.buyer] += one.sale.amount_fen * one.uses
    bank = AccountKey(ledger_id, None, AccountKind.BANK)
    entries = []
    for buyer, amount in owed.items():
        funds = AccountKey(ledger_id, buyer.participant_id, AccountKind.BUYER_FUNDS)
        source = "deposit", deposit_source(ledger_id, f"bulk {now.isoformat()} {buyer.participant_id}")
        legs = moved(bank.id, funds.id, amount)
        entries.append(posting.new_posting(buyer, EntryKind.DEPOSIT, source, legs, now=now, at=SINCE))
    events = [
        Event(buyer, entry.id, {"amount_fen": owed[buyer]})
        for buyer, entry in zip(owed, entries, strict=True)
    ]
    for first in range(0, len(entries), STEP):
        async with connection.transaction():
            await posting.post(connection, ledger_id, entries[first : first + STEP], now=now)
            await record_many(connection, "ledger.deposit", "entry", events[first : first + STEP], now=now)


def _new_id(at: str) -> str:
    """A UUIDv7 of that instant, in words of PostgreSQL 15; `uuidv7()` is of 18."""
    milliseconds = f"lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0')"
    return f"overlay(gen_random_uuid()::text PLACING overlay({milliseconds} PLACING '-' FROM 9 FOR 0) || '-7' FROM 1)::uuid"


async def _keep(connection: Connection, worker: int, asked: Sequence[Asked]) -> None:
    """What a worker sells, each contract with the first place that is no longer its own."""
    rows = [
        (
            worker,
            upto,
            one.contract_id,
            one.buyer.participant_id,
            one.buyer.account_id,
            one.purpose,
            one.sale.amount_fen,
            orjson.dumps(one.sale.split._asdict()).decode(),
            one.sale.revenue_rule,
            [leg.account_id for leg in one.sale.legs],
            [leg.amount_fen for leg in one.sale.legs],
        )
        for one, upto in zip(asked, accumulate(one.uses for one in asked), strict=True)
    ]
    await connection.copy_records_to_table("bulk_contract", records=rows)


async def _sell(url: str, ledger_id: int, worker: int, asked: Sequence[Asked]) -> None:
    """So many sales a transaction, spread over the year; a restart would begin anew, so no commit waits for the disk."""
    sales = sum(one.uses for one in asked)
    facts = {
        "ledger": ledger_id,
        "worker": worker,
        "scatter": SCATTER,
        "sales": sales,
        "month": month_of(read_clock()),
        "since": SINCE.isoformat(),
        "seconds": int((UNTIL - SINCE).total_seconds()),
        "id_at": _new_id("at"),
        "id_now": _new_id("now()"),
    }
    async with owner_connection(url, synchronous_commit="off", work_mem="64MB", jit="off") as connection:
        for first in range(0, sales, STEP):
            step = facts | {"first": first, "last": min(first + STEP, sales) - 1}
            async with connection.transaction():
                for statement in _STEP:
                    await connection.execute(statement.format_map(step))


if __name__ == "__main__":
    sys.exit(main())
