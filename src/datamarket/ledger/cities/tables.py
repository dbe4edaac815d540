"""Rows of transfers between cities."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import BigInteger, instant, one_of
from datamarket.ledger.cities.rules import SameCity, TransferReferenceUsed
from datamarket.ledger.cities.terms import TransferDirection, TransferState


class CityTransfer(SQLModel, table=True):
    """Money on its way between two cities, as one of them sees it: the other has the row with the same id."""

    __tablename__ = "city_transfer"
    __table_args__ = (
        UniqueConstraint(
            "ledger_id", "direction", "other_ledger", "reference", name="city_transfer_reference_key"
        ),
        ForeignKeyConstraint(
            ["ledger_id", "clearing_id"],
            ["ledger_account.ledger_id", "ledger_account.id"],
            name="city_transfer_clearing_fkey",
        ),
        CheckConstraint("ledger_id <> other_ledger", name="city_transfer_between_two"),
        CheckConstraint("amount_fen > 0", name="city_transfer_amount_check"),
        one_of("direction", TransferDirection, "city_transfer"),
        one_of("state", TransferState, "city_transfer"),
        Index("city_transfer_owner_idx", "ledger_id", "owner_id", "id"),
        Index("city_transfer_due_idx", "ledger_id", "id", postgresql_where=text("state = 'sent'")),
    )
    ledger_id: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    direction: str
    other_ledger: int
    clearing_id: UUID
    owner_id: UUID
    amount_fen: int = Field(sa_type=BigInteger)
    reference: str
    state: str
    actor_id: UUID
    sent_at: datetime = instant()
    received_at: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {
    "city_transfer_reference_key": TransferReferenceUsed,
    "city_transfer_between_two": SameCity,
}
