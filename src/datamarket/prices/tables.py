"""Rows of permitted incomes, with what the comparison of their year has said."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import JSONB, BigInteger, instant, one_of
from datamarket.prices.rules import IncomeFiledAlready
from datamarket.prices.terms import IncomeOutcome, IncomeState


class PermittedIncome(SQLModel, table=True):
    """`deducted_fen` is how much of its excess later incomes have taken off."""

    __tablename__ = "permitted_income"
    __table_args__ = (
        CheckConstraint("amount_fen >= 0", name="permitted_income_amount_check"),
        CheckConstraint("deducted_fen BETWEEN 0 AND excess_fen", name="permitted_income_deducted_check"),
        CheckConstraint(
            "(state = 'compared') = (actual_fen IS NOT NULL)", name="permitted_income_actual_check"
        ),
        one_of("state", IncomeState, "permitted_income"),
        one_of("outcome", IncomeOutcome, "permitted_income"),
        Index(
            "permitted_income_year_key",
            "zone_id",
            "year",
            unique=True,
            postgresql_where=text("state <> 'returned'"),
        ),
        Index("permitted_income_zone_idx", "zone_id", "id"),
        Index("permitted_income_operator_idx", "operator_id", "id"),
        Index("permitted_income_report_idx", "year", "id"),
    )
    id: UUID = Field(primary_key=True)
    zone_id: UUID = Field(foreign_key="zone.id")
    operator_id: UUID = Field(foreign_key="participant.id")
    year: int
    figures: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    yield_rate: str
    margin_rate: str
    steps: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    amount_fen: int = Field(sa_type=BigInteger)
    filed_by: UUID
    reviewed_by: UUID | None = None
    approved_by: UUID | None = None
    state: str = IncomeState.FILED
    reason: str | None = None
    created_at: datetime = instant()
    version: int = 1
    compared_at: datetime | None = instant(nullable=True)
    late_at: datetime | None = instant(nullable=True)
    actual_fen: int | None = Field(default=None, sa_type=BigInteger)
    outcome: str | None = None
    excess_fen: int = Field(default=0, sa_type=BigInteger)
    deducted_fen: int = Field(default=0, sa_type=BigInteger)


ERRORS: dict[str, type[MarketError]] = {"permitted_income_year_key": IncomeFiledAlready}
