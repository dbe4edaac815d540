"""Actors and times."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id

NOON = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)
"""Monday 3 June 2024, noon in Qingdao: the instant at which most tests happen."""

_tick = count()


def moment() -> datetime:
    """NOON and a little: each call a millisecond later."""
    return NOON + timedelta(milliseconds=next(_tick))


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{new_id(moment()).hex[-12:]}"


def actor(*roles: Role, organisation: UUID | None = None) -> Actor:
    """An actor with these roles; its account comes to be when it first writes, see `enrol`."""
    return Actor(new_id(moment()), organisation, frozenset(roles))


_ENROL = """
WITH opened AS (
INSERT INTO account (id, username, password_hash, password_temporary, participant_id, roles, active, created_at, version)
SELECT $1, $1::uuid::text, '', false, p.id, '{reviewer}', true, $3::timestamptz, 1
  FROM (VALUES ($2::uuid)) AS asked (id) LEFT JOIN participant AS p USING (id)
    ON CONFLICT DO NOTHING RETURNING *)
INSERT INTO audit_event (id, at, actor_id, action, subject_type, subject_id, facts)
SELECT $4, created_at, id, 'accounts.open', 'account', id,
       jsonb_build_object('rows', jsonb_build_object('account', jsonb_build_object(id::text, to_jsonb(a) - 'password_hash')))
  FROM opened AS a
"""


async def enrol(database: Database, *people: Actor) -> None:
    """The accounts of actors, which no password opens; each for its organisation, where that is there."""
    async with database.connection() as connection:
        for who in people:
            await connection.execute(_ENROL, who.account_id, who.participant_id, NOON, new_id(NOON))


AUTHORITY = actor(Role.AUTHORITY)
FINANCE = actor(Role.FINANCE)
REVIEWER = actor(Role.REVIEWER)
AUDITOR = actor(Role.AUDITOR)
ADMIN = actor(Role.ADMIN)
