"""Every guard of the books, read from the catalogue of the database itself: whatever is new is found by itself."""

import re
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from datamarket.foundation.db import APP_ROLE

BOOKS = (
    "^(ledger_.*|business_key|idempotency_key|audit_event|seal_.*|payout.*|bank_.*|city_.*"
    "|trade|trade_order|refund|contract_meter)$"
)
"""Tables of money, of answers and of evidence; their partitions too."""
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
ADVISORY = re.compile(r"pg_(?:try_)?advisory\w*\([^()]*\)")
ROW_LOCK = re.compile(r"FOR (?:NO KEY )?(?:UPDATE|SHARE|KEY SHARE)(?: SKIP LOCKED| NOWAIT)?")


class Sort(StrEnum):
    """What a guard is."""

    CHECK = "check"
    UNIQUE = "unique"
    FOREIGN = "foreign key"
    TRIGGER = "trigger"
    PRIVILEGE = "privilege"
    FUNCTION = "function privilege"
    LOCK = "lock"


@dataclass(frozen=True)
class Guard:
    """One guard: where it stands, its name, and the statement that removes it."""

    sort: Sort
    table: str
    name: str
    drop: str
    definition: str = ""
    columns: tuple[str, ...] = ()
    predicate: str | None = None
    events: int = 0
    """Of a trigger: the bits of pg_trigger.tgtype."""

    @property
    def id(self) -> str:
        return f"{self.sort} {self.table}.{self.name}"


_CONSTRAINTS = """
SELECT c.contype::text AS sort, t.relname, c.conname, pg_get_constraintdef(c.oid) AS definition, pg_get_expr(c.conbin, c.conrelid) AS test,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (n, o)
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o) AS columns
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT t.relispartition
   AND c.contype IN ('c', 'u', 'p', 'f') AND c.conparentid = 0
 ORDER BY t.relname, c.conname
"""
_UNIQUE_INDEXES = """
SELECT t.relname, i.relname AS conname, pg_get_expr(x.indpred, x.indrelid) AS predicate, pg_get_indexdef(i.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(x.indkey::smallint[]) AS k (n)
               JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.n) AS columns
  FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT t.relispartition AND x.indisunique
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('u', 'p'))
"""
_TRIGGERS = """
SELECT t.relname, g.tgname, g.tgtype::int AS events, g.tgparentid <> 0 AS cloned, pg_get_triggerdef(g.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(g.tgattr::smallint[]) AS k (n)
               JOIN pg_attribute a ON a.attrelid = g.tgrelid AND a.attnum = k.n) AS columns
  FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND NOT g.tgisinternal
 ORDER BY t.relname, g.tgname
"""
_PRIVILEGES = f"""
SELECT t.relname, w.privilege,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND w.privilege IN ('INSERT', 'UPDATE') AND NOT has_column_privilege('{APP_ROLE}', t.oid, a.attnum, w.privilege)
              ORDER BY a.attnum) AS columns
  FROM pg_class t, unnest($2::text[]) AS w (privilege)
 WHERE t.relnamespace = 'public'::regnamespace AND t.relname ~ $1 AND t.relkind IN ('r', 'p')
   AND NOT has_table_privilege('{APP_ROLE}', t.oid, w.privilege)
 ORDER BY 1, 2
"""  # noqa: S608 - constants only
_FUNCTIONS = f"""
SELECT p.proname, p.oid::regprocedure::text AS signature, pg_get_functiondef(p.oid) AS definition, p.prosrc,
       ARRAY(SELECT format_type(a.type, NULL) FROM unnest(p.proargtypes::oid[]) AS a (type)) AS arguments,
       has_function_privilege('{APP_ROLE}', p.oid, 'EXECUTE') AS open
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
 ORDER BY 1
"""  # noqa: S608 - constants only


async def all_guards(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Guard]:
    """Constraints, triggers, what the application may not do, and the locks that functions take."""
    return [
        *await _constraints(connection),
        *await _triggers(connection),
        *await _privileges(connection),
        *await _in_functions(connection),
    ]


async def _constraints(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Guard]:
    sorts = {"c": Sort.CHECK, "u": Sort.UNIQUE, "p": Sort.UNIQUE, "f": Sort.FOREIGN}
    guards = [
        Guard(
            sorts[row["sort"]],
            row["relname"],
            row["conname"],
            f'ALTER TABLE "{row["relname"]}" DROP CONSTRAINT "{row["conname"]}" CASCADE',
            row["test"] or row["definition"],
            tuple(row["columns"]),
        )
        for row in await connection.fetch(_CONSTRAINTS, BOOKS)
    ]
    return guards + [
        Guard(
            Sort.UNIQUE,
            row["relname"],
            row["conname"],
            f'DROP INDEX "{row["conname"]}"',
            row["definition"],
            tuple(row["columns"]),
            row["predicate"],
        )
        for row in await connection.fetch(_UNIQUE_INDEXES, BOOKS)
    ]


async def _triggers(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Guard]:
    """A clone on a partition cannot be dropped alone, but switched off alone."""
    return [
        Guard(
            Sort.TRIGGER,
            row["relname"],
            row["tgname"],
            f'ALTER TABLE "{row["relname"]}" DISABLE TRIGGER "{row["tgname"]}"'
            if row["cloned"]
            else f'DROP TRIGGER "{row["tgname"]}" ON "{row["relname"]}"',
            row["definition"],
            tuple(row["columns"]),
            events=row["events"],
        )
        for row in await connection.fetch(_TRIGGERS, BOOKS)
    ]


async def _privileges(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Guard]:
    """A privilege that is not there is a guard; granting it removes the guard."""
    return [
        Guard(
            Sort.PRIVILEGE,
            row["relname"],
            row["privilege"],
            f'GRANT {row["privilege"]} ON "{row["relname"]}" TO {APP_ROLE}',
            columns=tuple(row["columns"]),
        )
        for row in await connection.fetch(_PRIVILEGES, BOOKS, list(WRITES))
    ]


async def _in_functions(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Guard]:
    guards = []
    for row in await connection.fetch(_FUNCTIONS):
        if not row["open"]:
            drop = f"GRANT EXECUTE ON FUNCTION {row['signature']} TO {APP_ROLE}"
            arguments = tuple(row["arguments"])
            guards.append(Guard(Sort.FUNCTION, row["proname"], "EXECUTE", drop, columns=arguments))
        for name, form, instead in (("advisory", ADVISORY, "NULL"), ("rows", ROW_LOCK, "")):
            for number, found in enumerate(form.finditer(row["prosrc"]), 1):
                source = row["prosrc"]
                without = source[: found.start()] + instead + source[found.end() :]
                drop = row["definition"].replace(source, without)
                guards.append(Guard(Sort.LOCK, row["proname"], f"{name} {number}", drop, row["definition"]))
    return guards
