"""Reading audit events."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.tables import COMMONEST, AuditEvent
from datamarket.foundation.db import PageAsked, asked, keyset


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
