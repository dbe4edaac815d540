"""Rows of zones, of their mandates and scenarios."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import instant, one_of
from datamarket.zones.rules import ZoneReferenceUnknown
from datamarket.zones.terms import ExitCourse, MandateMode, MandateState, UseClass, ZoneState


class ZoneCodeTaken(Conflict):
    code = "zone.code-taken"
    zh = "该专区编码已被使用。"
    en = "This zone code is taken."


class ScenarioCodeTaken(Conflict):
    code = "scenario.code-taken"
    zh = "该场景编码已被使用。"
    en = "This scenario code is taken."


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
    """`term_to` is the first day after the term, `ended_on` the day from which it was withdrawn.

    `followed_by` is the mandate that took over what ran under it.
    """

    __tablename__ = "mandate"
    __table_args__ = (
        CheckConstraint("term_to > term_from", name="mandate_term_check"),
        CheckConstraint("(state = 'withdrawn') = (ended_on IS NOT NULL)", name="mandate_ended_check"),
        CheckConstraint("exit_course IS NULL OR state = 'withdrawn'", name="mandate_exit_check"),
        one_of("exit_course", ExitCourse, "mandate"),
        one_of("mode", MandateMode, "mandate"),
        one_of("state", MandateState, "mandate"),
        Index("mandate_zone_idx", "zone_id", "term_from"),
    )
    id: UUID = Field(primary_key=True)
    zone_id: UUID = Field(foreign_key="zone.id")
    operator_id: UUID = Field(foreign_key="participant.id")
    mode: str
    term_from: date
    term_to: date
    filed_on: date
    reason_long_term: str | None = None
    created_at: datetime = instant()
    state: str = MandateState.GRANTED
    ended_on: date | None = None
    reason: str | None = None
    version: int = 1
    exit_course: str | None = None
    followed_by: UUID | None = Field(default=None, foreign_key="mandate.id")


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


ERRORS: dict[str, type[MarketError]] = {
    "zone_code_key": ZoneCodeTaken,
    "zone_operator_id_fkey": ZoneReferenceUnknown,
    "mandate_operator_id_fkey": ZoneReferenceUnknown,
    "scenario_code_key": ScenarioCodeTaken,
}
