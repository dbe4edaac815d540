"""Rows of ceilings."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.catalogue.ceilings.rules import CeilingSetTwice
from datamarket.catalogue.ceilings.terms import CeilingState, CeilingUnit
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of

_OPEN = text("valid_to IS NULL")


class PriceCeiling(SQLModel, table=True):
    """At most `ceiling_fen` for so many `units`; `valid_to` is the first day on which another holds."""

    __tablename__ = "price_ceiling"
    __table_args__ = (
        CheckConstraint(
            "ceiling_fen >= 0 AND units > 0 AND expected_volume >= 0", name="price_ceiling_amount_check"
        ),
        CheckConstraint("valid_to > valid_from", name="price_ceiling_term_check"),
        CheckConstraint("(state = 'replaced') = (valid_to IS NOT NULL)", name="price_ceiling_replaced_check"),
        one_of("unit", CeilingUnit, "price_ceiling"),
        one_of("state", CeilingState, "price_ceiling"),
        Index("price_ceiling_open_key", "product_id", "unit", unique=True, postgresql_where=_OPEN),
        Index("price_ceiling_product_idx", "product_id", "valid_from"),
        Index("price_ceiling_zone_idx", "zone_id", "id"),
        Index("price_ceiling_income_idx", "income_id", postgresql_where=_OPEN),
    )
    id: UUID = Field(primary_key=True)
    income_id: UUID = Field(foreign_key="permitted_income.id")
    zone_id: UUID = Field(foreign_key="zone.id")
    product_id: UUID = Field(foreign_key="product.id")
    unit: str
    ceiling_fen: int = Field(sa_type=BigInteger)
    units: int = Field(sa_type=BigInteger)
    expected_volume: int = Field(sa_type=BigInteger)
    trial: bool
    valid_from: date
    valid_to: date | None = None
    state: str = CeilingState.SET
    set_by: UUID
    created_at: datetime = instant()
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {"price_ceiling_open_key": CeilingSetTwice}
