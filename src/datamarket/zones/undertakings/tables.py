"""Rows of undertakings to renew."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import instant
from datamarket.zones.undertakings.rules import UndertakingOpen

OPEN = "fulfilled_at IS NULL AND overdue_at IS NULL"


class RenewalUndertaking(SQLModel, table=True):
    """`renewed_to` is the end that the renewed mandate is to have, `due_on` the day by which the renewal stands."""

    __tablename__ = "renewal_undertaking"
    __table_args__ = (
        CheckConstraint("renewed_to > due_on", name="renewal_undertaking_term_check"),
        Index("renewal_undertaking_open_key", "mandate_id", unique=True, postgresql_where=text(OPEN)),
        Index("renewal_undertaking_mandate_idx", "mandate_id", "id"),
    )
    id: UUID = Field(primary_key=True)
    mandate_id: UUID = Field(foreign_key="mandate.id")
    document: str
    document_sha256: str
    renewed_to: date
    due_on: date
    given_at: datetime = instant()
    fulfilled_at: datetime | None = instant(nullable=True)
    overdue_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {"renewal_undertaking_open_key": UndertakingOpen}
