"""Rows of transfer processes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from datamarket.dataspace.rules import ConsumerPidUsed
from datamarket.dataspace.transfers.terms import TransferProcessState
from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import instant, one_of


class TransferProcess(SQLModel, table=True):
    """As the two sides have moved it; `told` is the state that the consumer knows, `due_at` when to look whether it changed."""

    __tablename__ = "transfer_process"
    __table_args__ = (
        UniqueConstraint("buyer_id", "consumer_pid", name="transfer_process_consumer_key"),
        one_of("state", TransferProcessState, "transfer_process"),
        one_of("told", TransferProcessState, "transfer_process"),
        CheckConstraint("failures >= 0", name="transfer_process_failures_check"),
        Index("transfer_process_contract_idx", "contract_id", "id"),
        Index("transfer_process_provider_idx", "provider_id", "id"),
        Index("transfer_process_buyer_idx", "buyer_id", "id"),
        Index("transfer_process_due_idx", "ledger_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    contract_id: UUID = Field(foreign_key="contract.id")
    provider_id: UUID = Field(foreign_key="participant.id")
    buyer_id: UUID = Field(foreign_key="participant.id")
    consumer_pid: str
    callback_address: str
    format: str
    state: str = TransferProcessState.REQUESTED
    reason: str | None = None
    told: str = TransferProcessState.REQUESTED
    failures: int = 0
    due_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    version: int = 1


ERRORS: dict[str, type[MarketError]] = {"transfer_process_consumer_key": ConsumerPidUsed}
