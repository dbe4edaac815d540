"""Rows of schemes, of their versions, and of the budget of each year."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, Refused
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.subsidy.register.terms import SchemeState


class DraftOpen(Conflict):
    code = "subsidy.draft-open"
    zh = "该方案已有未批准的草稿版本，请先批准或停用。"
    en = "This scheme has an open draft; approve or retire it first."


class VersionTaken(Conflict):
    code = "subsidy.version-taken"
    zh = "同一方案的版本号或文件内容已存在。"
    en = "This version number, or a file of the same content, exists already."


class OwnScheme(Refused):
    code = "subsidy.own-scheme"
    zh = "方案版本须由起草人以外的账户批准。"
    en = "A scheme version is approved by someone other than its author."


class BudgetShort(Refused):
    code = "subsidy.budget-short"
    zh = "奖补合计超过该年度剩余预算。"
    en = "The awards exceed what is left of the year's budget."


class SchemeRow(SQLModel, table=True):
    __tablename__ = "scheme"
    id: str = Field(primary_key=True)
    title_zh: str
    title_en: str
    created_at: datetime = instant()


class SchemeVersion(SQLModel, table=True):
    """A scheme file byte for byte; without an author when it came with the product."""

    __tablename__ = "scheme_version"
    __table_args__ = (
        UniqueConstraint("scheme_id", "n", name="scheme_version_n_key"),
        UniqueConstraint("scheme_id", "sha256", name="scheme_version_sha256_key"),
        CheckConstraint("approved_by <> actor_id", name="scheme_version_other_approves"),
        CheckConstraint(
            "state <> 'approved' OR approved_by IS NOT NULL", name="scheme_version_approved_check"
        ),
        one_of("state", SchemeState, "scheme_version"),
        Index("scheme_version_one_draft", "scheme_id", unique=True, postgresql_where=text("state = 'draft'")),
        Index(
            "scheme_version_one_approved",
            "scheme_id",
            unique=True,
            postgresql_where=text("state = 'approved'"),
        ),
    )
    id: UUID = Field(primary_key=True)
    scheme_id: str = Field(foreign_key="scheme.id")
    n: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    state: str
    actor_id: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1


class SubsidyBudget(SQLModel, table=True):
    """The pool of a scheme's year; a scheme without a row has no ceiling here."""

    __tablename__ = "subsidy_budget"
    __table_args__ = (
        UniqueConstraint("scheme_id", "year", name="subsidy_budget_year_key"),
        CheckConstraint("committed_fen >= 0 AND committed_fen <= amount_fen", name="subsidy_budget_kept"),
    )
    id: UUID = Field(primary_key=True)
    scheme_id: str = Field(foreign_key="scheme.id")
    year: int
    amount_fen: int = Field(sa_type=BigInteger)
    committed_fen: int = Field(default=0, sa_type=BigInteger)
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "scheme_version_one_draft": DraftOpen,
    "scheme_version_n_key": VersionTaken,
    "scheme_version_sha256_key": VersionTaken,
    "scheme_version_other_approves": OwnScheme,
    "subsidy_budget_kept": BudgetShort,
}
