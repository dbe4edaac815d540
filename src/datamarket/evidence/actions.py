"""Adding audit events, one or many; with the rows of a register as they stand from then on."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import inspect
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.tables import AuditEvent
from datamarket.foundation.db import Connection
from datamarket.foundation.desks.writes import Write, folded, write_together
from datamarket.foundation.ids import new_id, new_ids


class Event(NamedTuple):
    """One thing done: by whom, to what, with which facts."""

    actor: Actor
    subject_id: UUID
    facts: dict[str, Any]


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: tuple[str, UUID],
    *rows: SQLModel,
    now: datetime,
    **facts: Any,
) -> None:
    """What was done, kept beside it: with it goes to the database whatever the session holds, and is refused there.

    `action` is a verb with its slice, such as `contracts.sign`; `facts` are JSON values, money in fen. `rows` are
    those of a register that it made or changed: I19 holds the register to them.
    """
    if kept := rows_told(rows):
        facts["rows"] = kept
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
    await session.flush()


def rows_told(rows: Iterable[SQLModel]) -> dict[str, dict[str, Any]]:
    """Each row under its table and its key, as JSON, or of it what its class says in `TOLD`.

    Files are told by their hashes, and no password is told.
    """
    told: dict[str, dict[str, Any]] = {}
    for row in rows:
        table = inspect(type(row)).local_table
        key = "/".join(_key_text(getattr(row, column.name)) for column in table.primary_key)
        columns = getattr(row, "TOLD", None)
        told.setdefault(str(table.name), {})[key] = row.model_dump(
            mode="json", include=columns, exclude=_UNTOLD
        )
    return told


def _key_text(value: Any) -> str:
    """An instant in UTC with microseconds, as I19 writes it."""
    return (
        value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else str(value)
    )


_UNTOLD = {"content", "password_hash"}
_INSERT = """
INSERT INTO audit_event (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
SELECT e.id, $1, e.actor_id, e.organisation_id, $2, $3, e.subject_id, e.facts
  FROM ROWS FROM (unnest($4::uuid[], unfolded($5::uuid[], cardinality($4)), unfolded($6::uuid[], cardinality($4)), $7::uuid[]),
                  jsonb_array_elements($8::text::jsonb)) AS e (id, actor_id, organisation_id, subject_id, facts)
"""


async def record_many(
    connection: Connection, action: str, subject_type: str, events: Sequence[Event], *, now: datetime
) -> None:
    """Add many events of one kind in one statement."""
    await write_together(connection, [write_of(action, subject_type, events, now=now)])


def write_of(action: str, subject_type: str, events: Sequence[Event], *, now: datetime) -> Write:
    """Many events of one kind, to be added together with what they tell of."""
    arguments = (
        now,
        action,
        subject_type,
        new_ids([now] * len(events)),
        folded([event.actor.account_id for event in events]),
        folded([event.actor.participant_id for event in events]),
        [event.subject_id for event in events],
        orjson.dumps([event.facts for event in events], default=str).decode(),
    )
    return Write(_INSERT, arguments)
