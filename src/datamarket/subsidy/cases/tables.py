"""Rows of cases, of the shares, promotions and doubts beside them, and of what an enterprise got money for."""

from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, NotFound
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.subsidy.cases.rules import CaseHandsNotSeparate
from datamarket.subsidy.cases.terms import CaseState, DoubtKind


class CaseCodeTaken(Conflict):
    code = "subsidy.case-code-taken"
    zh = "该项目编号已登记：同一项目只能申报一次。"
    en = "A project of this code is registered already: a project is claimed once."


class ListNumberTaken(Conflict):
    code = "subsidy.list-number-taken"
    zh = "该名单的这一编号已登记：同一项目只能登记一次，联合项目登记为一个案例。"
    en = "This number of this list is registered already: a project is registered once, a joint one as one case."


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
    """A "Data Elements ×" case; its investment counts while it is verified, by another hand than entered it.

    `list_key` is its list and number without width, case, spaces and punctuation. Without `registered_by` it was
    verified before two hands and a paper were asked for.
    """

    __tablename__ = "subsidy_case"
    __table_args__ = (
        UniqueConstraint("code", name="subsidy_case_code_key"),
        one_of("state", CaseState, "subsidy_case"),
        CheckConstraint("investment_fen >= 0", name="subsidy_case_investment_check"),
        CheckConstraint(
            "CASE state WHEN 'verified' THEN verified_by IS NOT NULL AND investment_fen IS NOT NULL"
            " WHEN 'revoked' THEN true ELSE verified_by IS NULL END",
            name="subsidy_case_verified_check",
        ),
        CheckConstraint(
            "verified_by <> registered_by AND verified_by <> corrected_by",
            name="subsidy_case_hands_separate",
        ),
        CheckConstraint(
            "verified_by IS NULL OR registered_by IS NULL OR paper_id IS NOT NULL",
            name="subsidy_case_paper_check",
        ),
        CheckConstraint(
            "num_nonnulls(list_name, list_number, list_key) IN (0, 3)", name="subsidy_case_list_check"
        ),
        Index(
            "subsidy_case_list_key",
            "list_key",
            unique=True,
            postgresql_where=text("state <> 'revoked'"),
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
    state: str = CaseState.REGISTERED
    list_name: str | None = None
    list_number: str | None = None
    list_key: str | None = None
    registered_by: UUID | None = None
    corrected_by: UUID | None = None
    paper_id: UUID | None = Field(default=None, foreign_key="subsidy_paper.id")


class CaseShare(SQLModel, table=True):
    """What part of a joint project an enterprise has; a project of one enterprise has no such rows."""

    __tablename__ = "subsidy_case_share"
    __table_args__ = (
        CheckConstraint("0 < numerator AND numerator < denominator", name="subsidy_case_share_part_check"),
        Index("subsidy_case_share_enterprise_idx", "enterprise_id"),
    )
    case_id: UUID = Field(primary_key=True, foreign_key="subsidy_case.id")
    enterprise_id: UUID = Field(primary_key=True, foreign_key="participant.id")
    numerator: int
    denominator: int

    @property
    def part(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)


class CasePromotion(SQLModel, table=True):
    """That a case entered a higher list, and where it stood until then: who asks of an earlier moment is told that."""

    __tablename__ = "subsidy_case_promotion"
    case_id: UUID = Field(primary_key=True, foreign_key="subsidy_case.id")
    n: int = Field(primary_key=True)
    from_level: str
    from_listed_on: date
    from_list_name: str | None = None
    from_list_number: str | None = None
    level: str
    listed_on: date
    list_name: str
    list_number: str
    paper_id: UUID = Field(foreign_key="subsidy_paper.id")
    promoted_by: UUID
    promoted_at: datetime = instant()


class CaseDoubt(SQLModel, table=True):
    """Two cases may be one project: found when `case_id` was registered or corrected."""

    __tablename__ = "subsidy_case_doubt"
    __table_args__ = (
        one_of("kind", DoubtKind, "subsidy_case_doubt"),
        Index("subsidy_case_doubt_other_idx", "other_id"),
    )
    case_id: UUID = Field(primary_key=True, foreign_key="subsidy_case.id")
    other_id: UUID = Field(primary_key=True, foreign_key="subsidy_case.id")
    kind: str = Field(primary_key=True)


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
    "subsidy_case_list_key": ListNumberTaken,
    "subsidy_case_hands_separate": CaseHandsNotSeparate,
    "subsidy_case_enterprise_id_fkey": EnterpriseUnknown,
    "subsidy_case_share_enterprise_id_fkey": EnterpriseUnknown,
    "subsidy_claim_open_key": ClaimedAlready,
}
