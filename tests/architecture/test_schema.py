"""A migrated database is what the models say."""

import importlib
import pkgutil
import re
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import datamarket

_PARTITION = re.compile(r"_p\d{4}(?!\d)")
_CHECKS = """
SELECT t.relname, c.conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 WHERE c.contype = 'c' AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""


def declared_metadata() -> MetaData:
    """The tables of all slices."""
    for module in pkgutil.walk_packages(datamarket.__path__, "datamarket."):
        if module.name.endswith("tables"):
            importlib.import_module(module.name)
    return SQLModel.metadata


def _declared(thing: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """Partitions are made by the year, not declared."""
    referred = thing.elements[0].target_fullname if kind == "foreign_key_constraint" else ""
    return not (reflected and _PARTITION.search(f"{name} {referred}"))


def _differences(connection: Connection) -> list[Any]:
    """What Alembic would migrate, and the named conditions, at which it does not look."""
    options = {"include_object": _declared, "compare_type": True}
    metadata = declared_metadata()
    found = list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
    declared = {
        (table.name, constraint.name)
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    found += declared ^ {(table, name) for table, name in connection.execute(text(_CHECKS))}
    return found


async def test_a_migrated_database_equals_the_models(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()
    assert differences == []
