"""What the books are, as facts that can be compared; and the same books once more, entry by entry."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import asyncpg

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
 ORDER BY relname
"""
_ACCOUNTS = "SELECT id, owner_id, kind, normal_side, may_go_negative, opened_at FROM ledger_account WHERE ledger_id = $1"
_ENTRIES = """
SELECT id, period, kind, effective_at, recorded_at, source_type, source_id, reverses, actor_id FROM ledger_entry
 WHERE ledger_id = $1 ORDER BY xid, id
"""
_LEGS = (
    "SELECT entry_id, seq, account_id, amount_fen FROM ledger_leg WHERE ledger_id = $1 ORDER BY entry_id, seq"
)
_BOOKS = {
    "balances": "SELECT account_id, debit_fen, credit_fen, version FROM ledger_balance WHERE ledger_id = $1 ORDER BY 1",
    "digests": "SELECT id, digest FROM ledger_entry WHERE ledger_id = $1 ORDER BY 1",
    "days": "SELECT account_id, day, debit_fen, credit_fen, legs FROM ledger_day WHERE ledger_id = $1 ORDER BY 1, 2",
}


@dataclass(frozen=True)
class Facts:
    """Rows and digest of every table, every balance, and the root of the sealed log."""

    tables: dict[str, tuple[int, str]]
    balances: dict[str, tuple[int, int, int]]
    root: str | None

    def differences(self, other: "Facts") -> list[str]:
        """What is not the same, by name."""
        tables = sorted(self.tables.keys() | other.tables.keys())
        told = [table for table in tables if self.tables.get(table) != other.tables.get(table)]
        told += ["balances"] if self.balances != other.balances else []
        return told + (["root"] if self.root != other.root else [])


async def facts_of(where: "str | asyncpg.Connection[asyncpg.Record]", ledger_id: int) -> Facts:
    """Of a database, or of the snapshot that a connection is in."""
    if isinstance(where, str):
        connection = await asyncpg.connect(where)
        try:
            return await facts_of(connection, ledger_id)
        finally:
            await connection.close()
    tables: dict[str, tuple[int, str]] = {}
    for (table,) in await where.fetch(_TABLES):
        rows = await where.fetch(f'SELECT t::text FROM "{table}" AS t ORDER BY t::text COLLATE "C"')  # noqa: S608 - from the catalogue
        digest = sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
        tables[table] = len(rows), digest
    balances = await where.fetch(
        "SELECT account_id, debit_fen, credit_fen, held_fen FROM ledger_balance WHERE ledger_id = $1",
        ledger_id,
    )
    root = await where.fetchval(
        "SELECT encode(root, 'hex') FROM seal_block WHERE ledger_id = $1 ORDER BY number DESC LIMIT 1",
        ledger_id,
    )
    return Facts(tables, {str(row[0]): (row[1], row[2], row[3]) for row in balances}, root)


async def post_again(source: str, target: str, ledger_id: int) -> list[str]:
    """All accounts and entries of `source` through the posting functions of an empty `target`: what differs."""
    old, new = await asyncpg.connect(source), await asyncpg.connect(target)
    try:
        await _open_accounts(old, new, ledger_id)
        legs = defaultdict(list)
        for leg in await old.fetch(_LEGS, ledger_id):
            legs[leg["entry_id"]].append(leg)
        for entry in await old.fetch(_ENTRIES, ledger_id):
            await _post(new, ledger_id, entry, legs[entry["id"]])
        return [
            name
            for name, statement in _BOOKS.items()
            if await old.fetch(statement, ledger_id) != await new.fetch(statement, ledger_id)
        ]
    finally:
        await old.close()
        await new.close()


async def _open_accounts(
    old: "asyncpg.Connection[asyncpg.Record]", new: "asyncpg.Connection[asyncpg.Record]", ledger_id: int
) -> None:
    by_instant: dict[datetime, list[Any]] = defaultdict(list)
    for account in await old.fetch(_ACCOUNTS, ledger_id):
        by_instant[account["opened_at"]].append(account)
    for opened_at, accounts in by_instant.items():
        columns = zip(*(tuple(account)[:5] for account in accounts), strict=True)
        await new.execute(
            "SELECT ledger_open_accounts($1, $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[], $7)",
            ledger_id,
            *(list(column) for column in columns),
            opened_at,
        )


async def _post(
    new: "asyncpg.Connection[asyncpg.Record]", ledger_id: int, entry: Any, legs: list[Any]
) -> None:
    """One entry as it was recorded then."""
    await new.execute(
        "SELECT ledger_post($1, $2, $3, ARRAY[$4::uuid], ARRAY[$3::int], ARRAY[$5::text], ARRAY[$6::timestamptz],"
        " ARRAY[$7::text], ARRAY[$8::uuid], ARRAY[$9::uuid], ARRAY[$10::uuid], $11::int[], $12::int[], $13::uuid[],"
        " $14::bigint[])",
        ledger_id,
        entry["recorded_at"],
        entry["period"],
        entry["id"],
        entry["kind"],
        entry["effective_at"],
        entry["source_type"],
        entry["source_id"],
        entry["reverses"],
        entry["actor_id"],
        [1] * len(legs),
        [leg["seq"] for leg in legs],
        [leg["account_id"] for leg in legs],
        [leg["amount_fen"] for leg in legs],
    )
