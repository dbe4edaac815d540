"""Zones, mandates, scenarios, resources with what was filed for them, and re-assessments of their level."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError, NotFound
from datamarket.foundation.tables import instant, one_of
from datamarket.zones.terms import FilingKind, Level, MandateMode, ResourceState, UseClass, ZoneState


class ZoneCodeTaken(Conflict):
    code = "zone.code-taken"
    zh = "该专区编码已被使用。"
    en = "This zone code is taken."


class ScenarioCodeTaken(Conflict):
    code = "scenario.code-taken"
    zh = "该场景编码已被使用。"
    en = "This scenario code is taken."


class ResourceCodeTaken(Conflict):
    code = "resource.code-taken"
    zh = "该资源编码已被使用。"
    en = "This resource code is taken."


class RegistrationCodeTaken(Conflict):
    code = "resource.registration-code-taken"
    zh = "该统一登记编码已赋予其他资源。"
    en = "This registration code belongs to another resource."


class ReferenceUnknown(NotFound):
    code = "zone.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."


class Zone(SQLModel, table=True):
    __tablename__ = "zone"
    __table_args__ = (
        UniqueConstraint("code", name="zone_code_key"),
        CheckConstraint("state = 'draft' OR opened_on IS NOT NULL", name="zone_opened_on_check"),
        one_of("state", ZoneState, "zone"),
    )
    id: UUID = Field(primary_key=True)
    code: str
    name_zh: str
    name_en: str
    field: str
    operator_id: UUID = Field(foreign_key="participant.id", index=True)
    opened_on: date | None = None
    closed_on: date | None = None
    reason: str | None = None
    state: str = ZoneState.DRAFT
    version: int = 1
    created_at: datetime = instant()


class Mandate(SQLModel, table=True):
    """`term_to` is the first day after the term; `income_rule` names the agreed split of income."""

    __tablename__ = "mandate"
    __table_args__ = (
        CheckConstraint("term_to > term_from", name="mandate_term_check"),
        one_of("mode", MandateMode, "mandate"),
        Index("mandate_zone_idx", "zone_id", "term_from"),
    )
    id: UUID = Field(primary_key=True)
    zone_id: UUID = Field(foreign_key="zone.id")
    operator_id: UUID = Field(foreign_key="participant.id")
    mode: str
    term_from: date
    term_to: date
    filed_on: date
    income_rule: str = "default"
    reason_long_term: str | None = None
    created_at: datetime = instant()


class Scenario(SQLModel, table=True):
    """`family` is the public name of its products, `operation` how they are operated."""

    __tablename__ = "scenario"
    __table_args__ = (
        UniqueConstraint("code", name="scenario_code_key"),
        one_of("use_class", UseClass, "scenario"),
        Index("scenario_zone_idx", "zone_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    zone_id: UUID = Field(foreign_key="zone.id")
    code: str
    name_zh: str
    name_en: str
    use_class: str
    family: str
    operation: str | None = None
    created_at: datetime = instant()


class Resource(SQLModel, table=True):
    """Dates are business days: of each step of the registration, and half-open validity."""

    __tablename__ = "resource"
    __table_args__ = (
        UniqueConstraint("code", name="resource_code_key"),
        UniqueConstraint("registration_code", name="resource_registration_code_key"),
        CheckConstraint(
            "state NOT IN ('registered', 'cancelled')"
            " OR (registration_code IS NOT NULL AND valid_to > registered_on)",
            name="resource_registered_check",
        ),
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
    assessed_by: UUID
    assessed_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {
    "zone_code_key": ZoneCodeTaken,
    "zone_operator_id_fkey": ReferenceUnknown,
    "mandate_operator_id_fkey": ReferenceUnknown,
    "scenario_code_key": ScenarioCodeTaken,
    "resource_code_key": ResourceCodeTaken,
    "resource_registration_code_key": RegistrationCodeTaken,
    "resource_supplying_unit_id_fkey": ReferenceUnknown,
}
