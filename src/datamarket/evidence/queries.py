"""Reading audit events."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.log.leaves import EVENTS_TOLD
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


class ToldEvent(NamedTuple):
    """An event as its leaf has it; `at` in microseconds since 1970, `facts` as the database writes them."""

    id: UUID
    xid: int
    at: int
    actor_id: UUID
    organisation_id: UUID | None
    action: str
    subject_type: str
    subject_id: UUID
    facts: str


_SIGNED = (
    f"{EVENTS_TOLD} WHERE subject_id = $1 AND subject_type = 'contract' AND action <> 'contracts.use'"
    " AND action = ANY ($2) AND facts ? 'digest' AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4"
)


async def list_of_contract(
    connection: Connection, contract_id: UUID, actions: Sequence[str], *, page: PageAsked[UUID]
) -> list[ToldEvent]:
    """Events of these actions that name a digest, oldest first."""
    rows = await connection.fetch(_SIGNED, contract_id, actions, page.after, page.limit + 1)
    return [ToldEvent(*row) for row in rows]


async def find_event(connection: Connection, subject_id: UUID, action: str) -> UUID | None:
    """The id of the first event of a thing with this action."""
    found: UUID | None = await connection.fetchval(
        "SELECT id FROM audit_event WHERE subject_id = $1 AND action = $2 ORDER BY id LIMIT 1",
        subject_id,
        action,
    )
    return found
