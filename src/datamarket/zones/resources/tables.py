"""Rows of resources, of their filings and of assessments of their level."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.zones.resources.terms import FilingKind, ResourceState
from datamarket.zones.rules import ZoneReferenceUnknown
from datamarket.zones.terms import Level


class ResourceCodeTaken(Conflict):
    code = "resource.code-taken"
    zh = "该资源编码已被使用。"
    en = "This resource code is taken."


class RegistrationCodeTaken(Conflict):
    code = "resource.registration-code-taken"
    zh = "该统一登记编码已赋予其他资源。"
    en = "This registration code belongs to another resource."


class Resource(SQLModel, table=True):
    """Dates are business days: of each step of the registration, and half-open validity. `records`: about how many it holds."""

    __tablename__ = "resource"
    __table_args__ = (
        UniqueConstraint("code", name="resource_code_key"),
        UniqueConstraint("registration_code", name="resource_registration_code_key"),
        CheckConstraint(
            "state NOT IN ('registered', 'cancelled')"
            " OR (registration_code IS NOT NULL AND valid_to > registered_on)",
            name="resource_registered_check",
        ),
        CheckConstraint("records > 0", name="resource_records_check"),
        one_of("level", Level, "resource"),
        one_of("state", ResourceState, "resource"),
        Index("resource_zone_idx", "zone_id", "id"),
        Index("resource_supplying_unit_idx", "supplying_unit_id", "id"),
        Index("resource_state_idx", "state", "id"),
    )
    id: UUID = Field(primary_key=True)
    zone_id: UUID = Field(foreign_key="zone.id")
    supplying_unit_id: UUID = Field(foreign_key="participant.id")
    code: str
    name_zh: str
    name_en: str
    level: str
    state: str = ResourceState.DRAFT
    reason: str | None = None
    submitted_on: date | None = None
    accepted_on: date | None = None
    reviewed_on: date | None = None
    publicised_on: date | None = None
    registered_on: date | None = None
    valid_to: date | None = None
    registration_code: str | None = None
    version: int = 1
    created_at: datetime = instant()
    records: int | None = Field(default=None, sa_type=BigInteger)


class ResourceFiling(SQLModel, table=True):
    __tablename__ = "resource_filing"
    __table_args__ = (
        one_of("kind", FilingKind, "resource_filing"),
        Index("resource_filing_resource_idx", "resource_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(foreign_key="resource.id")
    kind: str
    reason: str | None = None
    filed_at: datetime = instant()


class LevelAssessment(SQLModel, table=True):
    """Who changed a level, and why: for instance after de-identification."""

    __tablename__ = "level_assessment"
    __table_args__ = (
        CheckConstraint("before <> after", name="level_assessment_change_check"),
        one_of("before", Level, "level_assessment"),
        one_of("after", Level, "level_assessment"),
        Index("level_assessment_resource_idx", "resource_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(foreign_key="resource.id")
    before: str
    after: str
    reason: str
    actor_id: UUID
    assessed_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {
    "resource_code_key": ResourceCodeTaken,
    "resource_registration_code_key": RegistrationCodeTaken,
    "resource_supplying_unit_id_fkey": ZoneReferenceUnknown,
}
