"""Rows of measurements."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.catalogue.measurements.rules import MeasurementTwice
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import JSONB, instant


class QualityMeasurement(SQLModel, table=True):
    """Figures of one version on one day, and by whom."""

    __tablename__ = "quality_measurement"
    __table_args__ = (
        UniqueConstraint(
            "product_id", "number", "measured_by", "measured_on", name="quality_measurement_day_key"
        ),
    )
    id: UUID = Field(primary_key=True)
    product_id: UUID = Field(foreign_key="product.id")
    number: int
    figures: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    measured_on: date
    measured_by: UUID = Field(foreign_key="participant.id")
    account_id: UUID
    created_at: datetime = instant()


ERRORS: dict[str, type[MarketError]] = {"quality_measurement_day_key": MeasurementTwice}
