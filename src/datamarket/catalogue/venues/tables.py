"""Rows of venues, and of what was recorded of their qualification."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.catalogue.rules import CatalogueReferenceUnknown
from datamarket.catalogue.venues.terms import FeePayer, VenueKind, VenueState
from datamarket.foundation.errors import Conflict, Invalid, MarketError
from datamarket.foundation.tables import ARRAY, Text, instant, one_of


class VenueCodeTaken(Conflict):
    code = "venue.code-taken"
    zh = "该平台编码已被使用。"
    en = "This venue code is taken."


class QualificationUndated(Invalid):
    code = "venue.qualification-undated"
    zh = "纳入补贴统计的平台须注明起始日期，未纳入的不得填写。"
    en = "A venue that counts for the subsidy names the day from which; one that does not names none."


class QualificationTermEmpty(Invalid):
    code = "venue.qualification-term-empty"
    zh = "停止纳入补贴统计的日期须晚于起始日期。"
    en = "The day on which a venue counts no more for the subsidy is after the day from which it does."


class Venue(SQLModel, table=True):
    __tablename__ = "venue"
    __table_args__ = (
        UniqueConstraint("code", name="venue_code_key"),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="venue_fee_bps_check"),
        CheckConstraint(
            "qualified_for_subsidy = (qualified_from IS NOT NULL)", name="venue_qualification_dated"
        ),
        CheckConstraint(
            "qualified_to IS NULL OR qualified_from IS NOT NULL AND qualified_to > qualified_from",
            name="venue_qualification_term_check",
        ),
        one_of("kind", VenueKind, "venue"),
        one_of("fee_payer", FeePayer, "venue"),
        one_of("state", VenueState, "venue"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    name_zh: str
    name_en: str
    kind: str
    operator_id: UUID = Field(foreign_key="participant.id")
    categories: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    qualified_for_subsidy: bool
    qualified_from: date | None = None
    source: str
    fee_bps: int
    fee_payer: str
    state: str = VenueState.OPEN
    version: int = 1
    created_at: datetime = instant()
    qualified_to: date | None = None


class VenueQualification(SQLModel, table=True):
    """What one version of a venue said of its qualification, and since when that is known: never changed."""

    __tablename__ = "venue_qualification"
    venue_id: UUID = Field(primary_key=True, foreign_key="venue.id")
    version: int = Field(primary_key=True)
    qualified_from: date | None = None
    qualified_to: date | None = None
    recorded_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {
    "venue_code_key": VenueCodeTaken,
    "venue_qualification_dated": QualificationUndated,
    "venue_qualification_term_check": QualificationTermEmpty,
    "venue_operator_id_fkey": CatalogueReferenceUnknown,
}
