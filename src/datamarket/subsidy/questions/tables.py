"""Rows of studies, and of the files that each is shown in; neither is ever changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import JSONB, instant, one_of
from datamarket.subsidy.questions.terms import StudyFile


class SubsidyStudy(SQLModel, table=True):
    """A question to the snapshot of a run, under the digest of its answer; `run_id` is the run it was asked of first."""

    __tablename__ = "subsidy_study"
    __table_args__ = (
        UniqueConstraint("ledger_id", "sha256", name="subsidy_study_sha256_key"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="subsidy_study_sha256_check"),
        Index("subsidy_study_run_idx", "run_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    run_id: UUID = Field(foreign_key="subsidy_run.id")
    scheme_id: str
    year: int
    scheme_sha256: str
    snapshot_sha256: str
    engine_id: str
    question: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    sha256: str
    account_id: UUID
    created_at: datetime = instant()


class SubsidyStudyFile(SQLModel, table=True):
    """What a reader gets, byte for byte, and its digest."""

    __tablename__ = "subsidy_study_file"
    __table_args__ = (one_of("name", StudyFile, "subsidy_study_file"),)
    study_id: UUID = Field(primary_key=True, foreign_key="subsidy_study.id")
    name: str = Field(primary_key=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
