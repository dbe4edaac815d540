"""A migrated database is what the models say, and so is the file that migrates it."""

import re
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from tests.architecture.declared import FILE, declared_metadata, declared_sql

_PARTITION = re.compile(r"_p\d{4}(?!\d)")


def _declared(thing: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """Partitions are made by the year, not declared."""
    referred = thing.elements[0].target_fullname if kind == "foreign_key_constraint" else ""
    return not (reflected and _PARTITION.search(f"{name} {referred}"))


def _differences(connection: Connection) -> list[Any]:
    options = {"include_object": _declared, "compare_type": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared_metadata()))


async def test_a_migrated_database_equals_the_models(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()
    assert differences == []


def test_the_first_migration_applies_what_the_models_declare() -> None:
    """Run `python -m tests.architecture.declared` to write it anew."""
    assert FILE.read_text(encoding="utf-8") == declared_sql()
