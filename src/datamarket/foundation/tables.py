"""How columns are declared, and the one table below the market: answers by idempotency key."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, FetchedValue
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "ix": "%(table_name)s_%(column_0_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
}


def instant(*, nullable: bool = False) -> Any:
    """A column for an instant, with its offset."""
    zoned = DateTime(timezone=True)
    return Field(default=None, sa_type=zoned, nullable=True) if nullable else Field(sa_type=zoned)


def written_by() -> Any:
    """The transaction that wrote the row: known to the database alone, and never written by us."""
    return Field(
        default=None,
        sa_type=BigInteger,
        sa_column_kwargs={"server_default": FetchedValue(), "nullable": False},
    )


def quoted(words: Iterable[StrEnum]) -> str:
    """Words as SQL text literals, parted by commas."""
    return ", ".join(f"'{word}'" for word in words)


def one_of(column: str, words: Iterable[StrEnum], table: str) -> CheckConstraint:
    """The set of values that a text column takes."""
    return CheckConstraint(f"{column} IN ({quoted(words)})", name=f"{table}_{column}_check")


class IdempotencyKey(SQLModel, table=True):
    __tablename__ = "idempotency_key"
    ledger_id: int = Field(primary_key=True)
    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes
    status: int | None = None
    body: bytes | None = None
    etag: str | None = None
    claimed_at: datetime = instant()


__all__ = [
    "ARRAY",
    "JSONB",
    "BigInteger",
    "IdempotencyKey",
    "Text",
    "instant",
    "one_of",
    "quoted",
    "written_by",
]
