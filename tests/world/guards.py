"""The guards of the books, read from the catalogue of the database: what is new is found by itself."""

import re
from dataclasses import dataclass

import asyncpg

BOOKS = (
    "^(ledger_.*|business_key|idempotency_key|audit_event|seal_.*|payout.*|bank_.*|city_.*"
    "|trade|trade_order|refund|contract_meter)$"
)
"""Tables of money, of answers and of evidence; their partitions too."""
_PARTITION = re.compile(r"_p\d{4}(?!\d)")
_CONSTRAINTS = """
SELECT t.relname, c.conname::text AS name, format('ALTER TABLE %I DROP CONSTRAINT %I CASCADE', t.relname, c.conname) AS drop
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT t.relispartition
   AND c.contype IN ('c', 'u', 'p', 'f', 'x') AND c.conparentid = 0
UNION ALL
SELECT t.relname, i.relname, format('DROP INDEX %I', i.relname)
  FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT t.relispartition AND x.indisunique
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('u', 'p'))
"""
_TRIGGERS = """
SELECT t.relname, g.tgname::text AS name, format('DROP TRIGGER %I ON %I', g.tgname, t.relname) AS drop
  FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT g.tgisinternal AND g.tgparentid = 0
"""
_RAISED = r"""
SELECT DISTINCT found[1] AS name
  FROM pg_proc p, regexp_matches(p.prosrc, $$(?:CONSTRAINT =|THEN|ELSE) '((?:ledger_|append_only)\w*)'$$, 'g') AS found
 WHERE p.pronamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Guard:
    """One guard: its name, the table it stands on, and the statement that takes it away."""

    table: str
    name: str
    drop: str


def folded(name: str) -> str:
    """The name of a partition's guard, as its parent has it."""
    return _PARTITION.sub("", name)


async def constraints(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, Guard]:
    """Checks, keys and references, by name."""
    rows = await connection.fetch(_CONSTRAINTS, BOOKS)
    return {row["name"]: Guard(row["relname"], row["name"], row["drop"]) for row in rows}


async def triggers(connection: "asyncpg.Connection[asyncpg.Record]") -> set[tuple[str, str]]:
    """(table, trigger); those of partitions as if on their parent."""
    return {(folded(row["relname"]), row["name"]) for row in await connection.fetch(_TRIGGERS, BOOKS)}


async def raised(connection: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    """The names under which functions of the books refuse."""
    return {row[0] for row in await connection.fetch(_RAISED)}
