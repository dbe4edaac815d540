"""Rows of snapshots, and the text of each fact as it was used."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import JSONB, instant


class FactVersion(SQLModel, table=True):
    """The SQL of a fact as it was used; another text needs another version."""

    __tablename__ = "subsidy_fact_version"
    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sha256: str
    statement: str
    created_at: datetime = instant()


class SubsidySnapshot(SQLModel, table=True):
    """All candidates of a year as they were known at `as_of_recorded`, in canonical JSON; equal facts are one row.

    `venues`, `related` and `flagged` are the qualifications and relations that counted, and the sales that flags took out, so that the base can be
    recomputed when they have changed since; `parties` names each enterprise as it was called then.
    """

    __tablename__ = "subsidy_snapshot"
    __table_args__ = (UniqueConstraint("ledger_id", "year", "sha256", name="subsidy_snapshot_sha256_key"),)
    id: UUID = Field(primary_key=True)
    ledger_id: int
    year: int
    cutoff: datetime = instant()
    as_of_recorded: datetime = instant()
    watermark: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    counts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    parties: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    venues: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    related: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    flagged: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    rings: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
