"""Rows of papers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import instant, one_of
from datamarket.subsidy.papers.terms import PaperMedia


class SubsidyPaper(SQLModel, table=True):
    """A file by its digest; `owner_id` is the organisation that sent it, none for an office of the city."""

    __tablename__ = "subsidy_paper"
    __table_args__ = (
        one_of("media_type", PaperMedia, "subsidy_paper"),
        CheckConstraint("size > 0", name="subsidy_paper_size_check"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="subsidy_paper_sha256_check"),
        Index("subsidy_paper_owner_idx", "owner_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    owner_id: UUID | None = Field(default=None, foreign_key="participant.id")
    name: str
    media_type: str
    size: int
    sha256: str
    account_id: UUID
    created_at: datetime = instant()
