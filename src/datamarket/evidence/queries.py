"""Reading audit events."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.tables import COMMONEST, AuditEvent
from datamarket.foundation.db import Connection, PageAsked, asked, keyset


async def list_events(
    session: AsyncSession, *, subject: UUID | None, action: str | None, page: PageAsked[UUID]
) -> Sequence[AuditEvent]:
    """Newest first; `after` is the id of the last event of the page before."""
    statement = select(AuditEvent).where(
        *asked((AuditEvent.subject_id, subject), (AuditEvent.action, action))
    )
    if action not in {None, COMMONEST}:
        statement = statement.where(text(f"action <> '{COMMONEST}'"))  # what its index is limited to
    return (await session.exec(keyset(statement, col(AuditEvent.id), page, newest_first=True))).all()


async def find_event(connection: Connection, subject_id: UUID, action: str) -> UUID | None:
    """The id of the first event of a thing with this action."""
    found: UUID | None = await connection.fetchval(
        "SELECT id FROM audit_event WHERE subject_id = $1 AND action = $2 ORDER BY id LIMIT 1",
        subject_id,
        action,
    )
    return found
