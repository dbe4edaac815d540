"""The DDL that the models of all slices declare; run as a program, it writes what the first migration applies."""

import importlib
import pkgutil
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

import datamarket
from datamarket import migrations

FILE = Path(migrations.__path__[0]) / "sql" / "0001_tables.sql"
HEADING = "-- Tables, constraints and indexes, as the models of each slice declare them (a test compares the two).\n"


def declared_metadata() -> MetaData:
    for module in pkgutil.walk_packages(datamarket.__path__, "datamarket."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    return SQLModel.metadata


def declared_sql() -> str:
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call] # untyped in SQLAlchemy
    statements = [HEADING]
    for table in declared_metadata().sorted_tables:
        statements.append(f"{str(CreateTable(table).compile(dialect=dialect)).strip()};\n")
        statements.extend(
            f"{str(CreateIndex(index).compile(dialect=dialect)).strip()};\n"
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        )
    text = "\n".join(statements).replace("\t", "    ")
    return "\n".join(line.rstrip() for line in text.split("\n"))


if __name__ == "__main__":
    FILE.write_text(declared_sql(), encoding="utf-8")
