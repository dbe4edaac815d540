"""Rows of duties at the end of contracts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from datamarket.contracts.disposal.terms import DisposalKind, DisposalState
from datamarket.foundation.tables import instant, one_of


class ContractDisposal(SQLModel, table=True):
    """`digest` is SHA-256, in hexadecimal, of what the buyer keeps as evidence."""

    __tablename__ = "contract_disposal"
    __table_args__ = (
        one_of("state", DisposalState, "contract_disposal"),
        one_of("kind", DisposalKind, "contract_disposal"),
        CheckConstraint(
            "(state = 'proved') = (num_nonnulls(kind, digest, proved_at) = 3)",
            name="contract_disposal_proved_check",
        ),
        Index("contract_disposal_due_idx", "due_at", postgresql_where=text("state = 'due'")),
    )
    contract_id: UUID = Field(primary_key=True, foreign_key="contract.id")
    state: str = DisposalState.DUE
    due_at: datetime = instant()
    kind: str | None = None
    digest: str | None = None
    proved_at: datetime | None = instant(nullable=True)
    version: int = 1
