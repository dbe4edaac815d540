"""What the database does by itself stands in the rooms: no function and no trigger that is in no file, none elsewhere."""

import re
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

import datamarket
from datamarket.migrations.scripts import function_files

ROOT = Path(datamarket.__path__[0])
LIVING = "".join(path.read_text(encoding="utf-8") for path in function_files())
OF_PARTITIONS = {"no_truncate", "balanced"}
"""Made with each partition, by `ledger_make_partitions`."""
_FUNCTION = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)\(.*?AS \$\$(.*?)\$\$;", re.MULTILINE | re.DOTALL)
_TRIGGER = re.compile(
    r"^CREATE (?:OR REPLACE|CONSTRAINT) TRIGGER (\w+) .*? ON (\w+)\s.*?;", re.MULTILINE | re.DOTALL
)
_STATE = """
SELECT 'function ' || pg_get_functiondef(oid) || coalesce(proacl::text, '')
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger ' || tgrelid::regclass || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def test_every_function_is_in_one_file_and_the_database_has_its_text(superuser: Owner) -> None:
    written = _FUNCTION.findall(LIVING)
    held = await superuser.fetch(
        "SELECT proname, prosrc FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND proname <> 'functions_applied'"  # says which text this is
    )
    assert sorted(written) == sorted(tuple(row) for row in held)
    assert len(written) == len({name for name, _ in written}) > 25


async def test_every_trigger_is_in_one_file(superuser: Owner) -> None:
    held = await superuser.fetch(
        "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT (c.relispartition AND t.tgname = ANY ($1))",
        list(OF_PARTITIONS),
    )
    assert sorted(_TRIGGER.findall(LIVING)) == sorted(tuple(row) for row in held)


async def test_applied_again_the_files_change_nothing(superuser: Owner) -> None:
    """So signature, volatility, rights and conditions are those of the files too."""
    before = {row[0] for row in await superuser.fetch(_STATE)}
    again = superuser.transaction()
    await again.start()
    await superuser.execute(f"SET LOCAL search_path = public, pg_temp; {LIVING}")
    await superuser.execute("SET LOCAL search_path = public")
    after = {row[0] for row in await superuser.fetch(_STATE)}
    await again.rollback()
    assert after == before


@pytest.mark.parametrize(
    "file", sorted((ROOT / "migrations" / "sql").glob("*.sql")), ids=lambda file: file.name
)
def test_a_revision_holds_tables_and_data_only(file: Path) -> None:
    assert not re.search(
        r"\bCREATE (OR REPLACE )?(CONSTRAINT )?(FUNCTION|TRIGGER)\b", file.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("file", function_files(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_of_functions_holds_nothing_that_applies_once(file: Path) -> None:
    outside = re.sub(r"\$\$.*?\$\$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    begun = {
        " ".join(statement.split()[:2]) for statement in re.split(r";", re.sub(r"--[^\n]*", "", outside))
    }
    assert begun <= {"", "CREATE OR", "CREATE CONSTRAINT", "DROP TRIGGER", "REVOKE ALL"}
