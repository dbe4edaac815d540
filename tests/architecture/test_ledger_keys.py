"""A city can be taken out of the database: `ledger_id` leads every key of the books, no statement crosses ledgers or names a schema."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlmodel import SQLModel

import datamarket
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.waiting.constraints import constraint_of
from tests.architecture.test_schema import declared_metadata
from tests.world import trading
from tests.world.people import NOON, moment

ROOT = Path(datamarket.__path__[0])
SLICES = ("foundation", "ledger", "payouts", "evidence")
"""Where the books are declared; idempotency keys stand in foundation."""
OF_THE_WHOLE_DATABASE = {"audit_event"}
"""Audit events belong to no ledger: signing in, admission and listing are no city's books."""
CROSSES: dict[str, str] = {
    "ledger/cities/checks/I11-cities.sql": "compares the mirrored accounts of two cities",
}
"""Texts that look into two ledgers on purpose."""

_KEYS = """
SELECT t.relname AS table, i.relname AS key, a.attname AS leads
  FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
  LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
 WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""
_FOREIGN = """
SELECT t.relname AS table, c.conname AS key, r.relname AS other,
       (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = c.conkey[1]) AS leads,
       (SELECT attname FROM pg_attribute WHERE attrelid = r.oid AND attnum = c.confkey[1]) AS refers
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
 WHERE c.contype = 'f' AND c.conparentid = 0 AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""
_FUNCTIONS = """
SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc <> '' ORDER BY proname
"""


def books() -> frozenset[str]:
    """Every table with a ledger_id that the slices of the books declare."""
    declared_metadata()
    named = set()
    for name in SLICES:
        try:
            package = importlib.import_module(f"datamarket.{name}")
        except ModuleNotFoundError:
            continue
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("tables"):
                held = vars(importlib.import_module(module.name)).values()
                tables = [getattr(row, "__table__", None) for row in held]
                named |= {table.name for table in tables if table is not None and "ledger_id" in table.c}
    return frozenset(named)


BOOKS = books()
ROWS = {
    mapper.class_.__name__
    for mapper in SQLModel._sa_registry.mappers
    if mapper.local_table.description in BOOKS
}
_MENTION = re.compile(
    rf"\b(?:FROM|JOIN|UPDATE|INTO|,)\s+(?:ONLY\s+)?({'|'.join(sorted(BOOKS))})\b", re.IGNORECASE
)
_COMMENT = re.compile(r"--[^\n]*")
_SCOPE = re.compile(
    r"ledger_id\s*=|=\s*\w+\.ledger_id\b|\bUSING\s*\(\s*ledger_id\b|\bINTO\s+\w+(?:\s+AS\s+\w+)?\s*\(\s*ledger_id\b",
    re.IGNORECASE,
)
"""Where a statement says which ledger: compared, joined on, or written."""
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b")


def crossing(sql: str) -> list[str]:
    """The tables of the books in a text that says which ledger less often than it names a table."""
    told = _COMMENT.sub("", sql)
    mentioned = _MENTION.findall(told)
    scoped = len(_SCOPE.findall(told))
    return mentioned if mentioned and scoped < len(mentioned) else []


def texts() -> Iterator[tuple[str, str]]:
    """Every SQL text in the sources of the books; an f-string with its holes left out, a check as its file."""
    for name in SLICES:
        for path in sorted((ROOT / name).rglob("checks/*.sql")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        for path in sorted((ROOT / name).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inside = {
                id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
            }
            for node in ast.walk(tree):
                text = ""
                if isinstance(node, ast.JoinedStr):
                    text = "".join(
                        str(part.value) if isinstance(part, ast.Constant) else " " for part in node.values
                    )
                elif (
                    isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside
                ):
                    text = node.value
                if _SQL.search(text):
                    yield path.relative_to(ROOT).as_posix(), text


def test_the_books_are_found() -> None:
    assert {
        "business_key",
        "city_transfer",
        "idempotency_key",
        "ledger_account",
        "ledger_balance",
        "ledger_day",
        "ledger_entry",
        "ledger_leg",
        "ledger_period",
    } <= BOOKS
    assert len(list(texts())) > 30


async def test_the_ledger_leads_every_key_of_the_books(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    keys = [row for row in await superuser.fetch(_KEYS) if row["table"] in BOOKS]
    assert {row["table"] for row in keys} == BOOKS
    assert [tuple(row) for row in keys if row["leads"] != "ledger_id"] == []


async def test_a_foreign_key_of_the_books_stays_in_the_ledger(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    foreign = [row for row in await superuser.fetch(_FOREIGN) if row["table"] in BOOKS]
    assert len(foreign) > 3
    for row in foreign:
        if row["other"] in BOOKS:
            assert (row["leads"], row["refers"]) == ("ledger_id", "ledger_id"), dict(row)


async def test_every_table_with_a_ledger_outside_the_books_is_known(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Trades and refunds name their ledger, but are found by their own ids."""
    found = await superuser.fetch(
        "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE a.attname = 'ledger_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND c.relnamespace = 'public'::regnamespace"
    )
    outside = {row["relname"] for row in found} - BOOKS
    assert outside & OF_THE_WHOLE_DATABASE == set()
    assert {"trade", "refund"} <= outside


@pytest.mark.parametrize(("source", "sql"), list(texts()), ids=lambda part: str(part)[:60])
def test_a_statement_of_the_books_names_its_ledger(source: str, sql: str) -> None:
    if source not in CROSSES:
        assert crossing(sql) == [], (source, sql)


LAST_BEFORE = "0035"
"""Revisions up to this one run before a market moves into a city's schema."""
_SCHEMA = re.compile(r"'public[.']|(?:SCHEMA|FROM|JOIN|INTO|UPDATE|search_path =) public\b(?!\s*=)")


def test_nothing_names_the_schema_that_the_market_stands_in() -> None:
    """Else a city in a schema of its own, as `deploy/citus.sql` makes it, would read or write past it."""
    files = [path for suffix in ("py", "sql") for path in ROOT.rglob(f"*.{suffix}")]
    named = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if _SCHEMA.search(path.read_text(encoding="utf-8"))
        and not (path.parent.name == "sql" and path.name[:4] <= LAST_BEFORE)
    }
    assert len(files) > 600
    assert named == set()


def selections() -> Iterator[tuple[str, str, str]]:
    """Each function that selects or joins a row of the books: its source, its name, and the row."""
    for name in SLICES:
        for path in sorted((ROOT / name).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
                        if ast.unparse(call.func).rpartition(".")[2] in {"select", "join", "outerjoin"}:
                            for row in {ast.unparse(argument).split(".")[0] for argument in call.args} & ROWS:
                                yield (
                                    f"{path.relative_to(ROOT).as_posix()}:{node.name}",
                                    ast.unparse(node),
                                    row,
                                )


def test_a_selection_of_rows_of_the_books_names_its_ledger() -> None:
    found = list(selections())
    assert len(found) > 8
    assert {place for place, source, row in found if f"{row}.ledger_id" not in source} == set()


async def test_a_function_of_the_books_names_its_ledger(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    bodies = {row["proname"]: row["prosrc"] for row in await superuser.fetch(_FUNCTIONS)}
    assert "ledger_post" in bodies
    assert {name: told for name, body in bodies.items() if (told := crossing(body))} == {}


def test_a_statement_without_its_ledger_would_be_seen() -> None:
    assert crossing("SELECT sum(amount_fen) FROM ledger_leg WHERE account_id = $1") == ["ledger_leg"]
    assert crossing(
        "SELECT 1 FROM ledger_leg l JOIN ledger_entry e ON e.id = l.entry_id WHERE l.ledger_id = $1"
    )
    assert not crossing(
        "SELECT 1 FROM ledger_leg JOIN ledger_entry e USING (ledger_id, period) WHERE e.ledger_id = $1"
    )


_POST = """
SELECT ledger_post($1::int, $2::timestamptz, 202406, ARRAY[$3::uuid], ARRAY[202406], ARRAY['deposit'],
                   ARRAY[$2::timestamptz], ARRAY['deposit'],
                   ARRAY[$3::uuid], ARRAY[NULL::uuid], ARRAY[$3::uuid], ARRAY[1, 1], ARRAY[1, 2], $4::uuid[], ARRAY[5, -5]::bigint[])
"""


async def test_a_posting_with_accounts_of_another_ledger_is_refused(
    database: Database, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    deal = await trading.active_contract(database)
    own = [
        row["id"]
        for row in await superuser.fetch(
            "SELECT id FROM ledger_account WHERE ledger_id = $1 AND may_go_negative LIMIT 2",
            trading.LEDGER_ID,
        )
    ]
    assert deal.contract.state == "active"
    for other in (370100, 110000):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await superuser.execute(_POST, other, NOON, new_id(moment()), own)
        assert constraint_of(refused.value, {"ledger_leg_of_an_account"}) == "ledger_leg_of_an_account"
    assert await superuser.fetchval("SELECT count(*) FROM ledger_entry WHERE ledger_id = 110000") == 0
