"""Audit events: rows that are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import JSONB, instant, written_by

COMMONEST = "trading.record"
"""The action of nearly all events: the index by action leaves it out, and its writing costs nothing."""


class AuditEvent(SQLModel, table=True):
    __tablename__ = "audit_event"
    __table_args__ = (
        Index("audit_event_subject_idx", "subject_id", "id"),
        Index("audit_event_action_idx", "action", "id", postgresql_where=text(f"action <> '{COMMONEST}'")),
        Index(
            "audit_event_contract_idx",
            "subject_id",
            "id",
            postgresql_where=text("subject_type = 'contract' AND action <> 'contracts.use'"),
        ),
        Index("audit_event_xid_idx", "xid"),
    )
    id: UUID = Field(primary_key=True)
    at: datetime = instant()
    actor_id: UUID
    organisation_id: UUID | None = None
    action: str
    subject_type: str
    subject_id: UUID
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    xid: int = written_by()
