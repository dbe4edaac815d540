"""/audit-events"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from datamarket.auth.access import allow
from datamarket.auth.terms import Actor, Permission
from datamarket.evidence import queries
from datamarket.foundation.http import (
    Page,
    Paging,
    Reading,
    SliceRouter,
    page_of,
)
from datamarket.foundation.replicas.lagging import may_lag
from datamarket.foundation.shapes import RowShape

router = SliceRouter(tags=["evidence"])


class AuditEventOut(RowShape):
    """One thing that was done: by which account, for which organisation, to what, with which facts."""

    id: UUID
    at: datetime
    actor_id: UUID
    organisation_id: UUID | None
    action: str
    subject_type: str
    subject_id: UUID
    facts: dict[str, Any]


@router.get("/audit-events", summary="What was done, newest first")
@may_lag
async def list_audit_events(
    actor: Annotated[Actor, allow(Permission.READ_AUDIT_EVENTS)],
    session: Reading,
    paging: Paging[UUID],
    subject: UUID | None = None,
    action: Annotated[str | None, Query(max_length=60, pattern=r"^[a-z.-]+$")] = None,
) -> Page[AuditEventOut]:
    rows = await queries.list_events(session, subject=subject, action=action, page=paging)
    return page_of(rows, paging, AuditEventOut.of, lambda event: [event.id])
