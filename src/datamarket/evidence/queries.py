"""Reading audit events."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence.log.leaves import AUDIT_EVENTS, EVENTS_TOLD, leaf_hash
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


async def list_of_subject(connection: Connection, subject_id: UUID, *, limit: int) -> list[ToldEvent]:
    """Every event of a thing, oldest first, up to a number that its life does not come near."""
    rows = await connection.fetch(
        f"{EVENTS_TOLD} WHERE subject_id = $1 ORDER BY id LIMIT $2", subject_id, limit
    )
    return [ToldEvent(*row) for row in rows]


_SEALED = f"""
SELECT r.id, bool_and(l.hash = {leaf_hash("audit")}) FROM ({AUDIT_EVENTS.stored} AND subject_id = $2) AS r
  LEFT JOIN (SELECT leaf.id, leaf.hash FROM seal_leaves, unnest(ids, kinds, hashes) AS leaf (id, kind, hash)
              WHERE ledger_id = $1 AND leaf.kind = 'audit'
                AND leaf.id = ANY (ARRAY(SELECT id FROM audit_event WHERE subject_id = $2))) AS l ON l.id = r.id
 GROUP BY r.id ORDER BY r.id
"""  # noqa: S608 - constants
"""Leaves are looked for by id alone, in the whole log: a transaction that was written anew hides none."""


async def sealed_events(connection: Connection, ledger_id: int, subject_id: UUID) -> dict[UUID, bool | None]:
    """Every event of a thing, and whether its leaf is that of its row; None while it waits to be sealed."""
    return dict(tuple(row) for row in await connection.fetch(_SEALED, ledger_id, subject_id))


async def find_event(connection: Connection, subject_id: UUID, action: str) -> UUID | None:
    """The id of the first event of a thing with this action."""
    found: UUID | None = await connection.fetchval(
        "SELECT id FROM audit_event WHERE subject_id = $1 AND action = $2 ORDER BY id LIMIT 1",
        subject_id,
        action,
    )
    return found
