"""Reading audit events."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.tables import COMMONEST, AuditEvent


async def list_events(
    session: AsyncSession, *, subject: UUID | None, action: str | None, limit: int, after: UUID | None
) -> Sequence[AuditEvent]:
    """Newest first; `after` is the id of the last event of the page before."""
    statement = select(AuditEvent).order_by(col(AuditEvent.id).desc()).limit(limit + 1)
    if subject is not None:
        statement = statement.where(AuditEvent.subject_id == subject)
    if action is not None:
        statement = statement.where(AuditEvent.action == action)
        if action != COMMONEST:
            statement = statement.where(text(f"action <> '{COMMONEST}'"))  # what its index is limited to
    if after is not None:
        statement = statement.where(col(AuditEvent.id) < after)
    return (await session.exec(statement)).all()
