"""Adding audit events, one or many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.tables import AuditEvent
from datamarket.foundation.db import Connection
from datamarket.foundation.ids import new_id


class Event(NamedTuple):
    """One thing done: `action` is a verb with its slice, such as `contracts.sign`."""

    actor: Actor
    action: str
    subject_type: str
    subject_id: UUID
    facts: dict[str, Any]
    at: datetime


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: tuple[str, UUID],
    *,
    now: datetime,
    **facts: Any,
) -> None:
    """Add one event to the session's transaction. `facts` are JSON values; money in fen."""
    session.add(
        AuditEvent(
            id=new_id(now),
            at=now,
            actor_id=actor.account_id,
            organisation_id=actor.participant_id,
            action=action,
            subject_type=subject[0],
            subject_id=subject[1],
            facts=facts,
        )
    )


_INSERT = """
INSERT INTO audit_event (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
SELECT e.id, e.at, e.actor_id, e.organisation_id, e.action, e.subject_type, e.subject_id, e.facts::jsonb
  FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[])
       AS e (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
"""


async def record_many(connection: Connection, events: Sequence[Event]) -> None:
    """Add many events in one statement."""
    await connection.execute(
        _INSERT,
        [new_id(event.at) for event in events],
        [event.at for event in events],
        [event.actor.account_id for event in events],
        [event.actor.participant_id for event in events],
        [event.action for event in events],
        [event.subject_type for event in events],
        [event.subject_id for event in events],
        [orjson.dumps(event.facts).decode() for event in events],
    )
