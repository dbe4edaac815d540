"""Rows of what the protocol needs of a negotiation and the contract does not have."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.dataspace.rules import ConsumerPidUsed
from datamarket.dataspace.terms import NegotiationState
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import instant, one_of


class DataspaceNegotiation(SQLModel, table=True):
    """Under which name the consumer knows a contract, where it is written to, and what it knows of it.

    `told` is the state that both sides know, `told_number` the terms; something is to be looked at where `due_at` is.
    """

    __tablename__ = "dataspace_negotiation"
    __table_args__ = (
        UniqueConstraint("buyer_id", "consumer_pid", name="dataspace_negotiation_consumer_key"),
        one_of("told", NegotiationState, "dataspace_negotiation"),
        CheckConstraint("failures >= 0", name="dataspace_negotiation_failures_check"),
        Index(
            "dataspace_negotiation_due_idx",
            "ledger_id",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    ledger_id: int
    buyer_id: UUID = Field(foreign_key="participant.id")
    consumer_pid: str
    callback_address: str
    told: str = NegotiationState.REQUESTED
    told_number: int = 1
    failures: int = 0
    due_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {"dataspace_negotiation_consumer_key": ConsumerPidUsed}
