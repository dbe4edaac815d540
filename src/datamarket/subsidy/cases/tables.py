"""Rows of cases, and of what an enterprise got money for."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, NotFound
from datamarket.foundation.tables import BigInteger, instant


class CaseCodeTaken(Conflict):
    code = "subsidy.case-code-taken"
    zh = "该项目编号已登记：同一项目只能申报一次。"
    en = "A project of this code is registered already: a project is claimed once."


class EnterpriseUnknown(NotFound):
    code = "subsidy.enterprise-unknown"
    zh = "所引用的企业不存在。"
    en = "The enterprise referred to is not there."


class ClaimedAlready(Conflict):
    code = "subsidy.claimed-already"
    zh = "同一企业的同一项目（或同一年度同一条款）已获资助，不重复记账。"
    en = (
        "This project, or this year of this clause, is funded already for the enterprise; nothing was posted."
    )


class SubsidyCase(SQLModel, table=True):
    """A "Data Elements ×" case; its investment counts once it is verified, and by whom is kept."""

    __tablename__ = "subsidy_case"
    __table_args__ = (
        UniqueConstraint("code", name="subsidy_case_code_key"),
        CheckConstraint("investment_fen >= 0", name="subsidy_case_investment_check"),
        CheckConstraint(
            "verified_by IS NULL OR investment_fen IS NOT NULL", name="subsidy_case_verified_check"
        ),
        Index("subsidy_case_enterprise_idx", "enterprise_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    enterprise_id: UUID = Field(foreign_key="participant.id")
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    investment_fen: int | None = Field(default=None, sa_type=BigInteger)
    verified_by: UUID | None = None
    verified_at: datetime | None = instant(nullable=True)
    claimed_elsewhere: str | None = None
    created_at: datetime = instant()
    version: int = 1


class SubsidyClaim(SQLModel, table=True):
    """What an enterprise got money for, here or elsewhere, in whatever year: once, unless it was given back."""

    __tablename__ = "subsidy_claim"
    __table_args__ = (
        CheckConstraint("returned_at >= claimed_at", name="subsidy_claim_returned_check"),
        Index(
            "subsidy_claim_open_key",
            "enterprise_id",
            "subject",
            unique=True,
            postgresql_where=text("returned_at IS NULL"),
        ),
    )
    enterprise_id: UUID = Field(primary_key=True, foreign_key="participant.id")
    subject: str = Field(primary_key=True)
    policy: str
    line_id: UUID | None = Field(default=None, foreign_key="subsidy_line.id")
    claimed_at: datetime = Field(sa_type=DateTime(timezone=True), primary_key=True)
    returned_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {
    "subsidy_case_code_key": CaseCodeTaken,
    "subsidy_case_enterprise_id_fkey": EnterpriseUnknown,
    "subsidy_claim_open_key": ClaimedAlready,
}
