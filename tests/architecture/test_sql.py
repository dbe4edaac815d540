"""Where SQL stands: reading in `queries.py`, writing in `actions.py`, and in few other places, each by name and reason."""

import ast
import re
from functools import cache
from pathlib import Path

import datamarket

ROOT = Path(datamarket.__path__[0])
HOMES = {"queries.py", "actions.py"}
ALLOWED = {
    "catalogue/search/facets.py": "counts by every filter what one search finds",
    "contracts/metering.py": "hot path: authorise and meter a use in one statement",
    "edge/operations.py": "asks whether the database answers",
    "evidence/log/bundle.py": "writes the sealed rows out, file by file",
    "evidence/log/leaves.py": "what a leaf of an event is made of: hashed in the database, by set",
    "evidence/log/proofs.py": "reads tiles of the log for a proof",
    "evidence/log/sealing.py": "hot path: one pass over the rows below the watermark",
    "evidence/log/verification.py": "recomputes the whole log in one snapshot",
    "evidence/losses/acceptance.py": "where the log parted from what was lost",
    "evidence/losses/judging.py": "which losses the log tells of",
    "evidence/losses/positions.py": "what no checkpoint has yet, and whether it is there",
    "foundation/checks.py": "runs `checks/*.sql`",
    "foundation/db.py": "connections, transactions, locks",
    "foundation/desks/writes.py": "joins the writes of a batch into one statement",
    "foundation/idempotency.py": "hot path: a key is claimed and answered",
    "ledger/books/leaves.py": "what a leaf of an entry is made of",
    "ledger/posting.py": "hot path: the one call that posts",
    "migrations/apply.py": "the schema",
    "migrations/scripts.py": "the schema",
    "server/backups.py": "what of the server's log is kept for who follows it",
    "server/database.py": "whether a database is a demo's, and empty",
    "server/following.py": "how far primary and replica are",
    "server/listening.py": "asks whether all was heard",
    "subsidy/facts/snapshot.py": "one snapshot of the books for a run",
    "subsidy/integrity/statements.py": "what detectors ask of a year's trades: named, versioned SQL",
    "subsidy/facts/statements.py": "what the books say of each enterprise: named, versioned SQL",
    "trading/charging.py": "what a month counts, and which fees are due, written down by set",
    "trading/recording.py": "hot path: a batch of trades written down by set",
}
"""Everywhere else no SQL is written: neither as text nor by SQLAlchemy. Tables declare conditions of their indexes."""
_STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(AS\s+\w+\s+)?SET\s|DELETE\s+FROM\s|WITH\s+(RECURSIVE\s+)?\w+\s+AS\s|UNION\s"
    r"|(CREATE|ALTER|DROP|COMMENT\s+ON|LOCK|TRUNCATE)\s+(TABLE|DATABASE|ROLE|INDEX|FUNCTION|TRIGGER|VIEW)\s"
    r"|SET\s+(LOCAL|TRANSACTION|CONSTRAINTS)\s)"
)
_NEWER = re.compile(
    r"\b(uuidv4|uuidv7|uuid_extract_\w+|any_value|json_table|array_sort|array_sample|crc32c?|casefold)\s*\(",
    re.IGNORECASE,
)
"""Functions that came with PostgreSQL 16 to 18: where they are called, 15 refuses at the first row, not before."""
_BUILDERS = {"select", "insert", "update", "delete", "text"}


def writes_sql(source: str) -> bool:
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    builders = _BUILDERS - {"text"} if source.endswith("tables.py") else _BUILDERS
    built = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in {"sqlalchemy", "sqlmodel"}
        for alias in node.names
        if alias.name in builders
    }
    return bool(built) or any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and _STATEMENT.match(node.value)
        for node in ast.walk(tree)
    )


@cache
def places() -> frozenset[str]:
    """The modules that write SQL and are no home of it."""
    named = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if path.name not in HOMES)
    return frozenset(source for source in named if writes_sql(source))


def test_sql_stands_where_it_is_looked_for() -> None:
    assert places() - ALLOWED.keys() == set()


def test_every_exception_is_needed() -> None:
    assert ALLOWED.keys() - places() == set()


def test_a_statement_would_be_seen() -> None:
    assert _STATEMENT.match("\n  SELECT 1")
    assert _STATEMENT.match("INSERT INTO trade (id) VALUES ($1)")
    assert _STATEMENT.match("WITH used AS (SELECT 1) SELECT 2")
    assert not _STATEMENT.match("Select a listing, then sign.")
    assert not _STATEMENT.match("with the sealed log as its ground")


def test_no_statement_calls_what_postgresql_15_does_not_have() -> None:
    assert _NEWER.search("SELECT uuidv7(), now()")
    statements = {path: path.read_text(encoding="utf-8") for path in ROOT.rglob("*.sql")}
    statements |= {ROOT / source: (ROOT / source).read_text(encoding="utf-8") for source in ALLOWED}
    statements |= {path: path.read_text(encoding="utf-8") for name in HOMES for path in ROOT.rglob(name)}
    assert len(statements) > 100
    assert {path.name for path, text in statements.items() if _NEWER.search(text)} == set()
