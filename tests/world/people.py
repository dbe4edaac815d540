"""Actors and times."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from datamarket.auth.terms import Actor, Role
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
    """An actor with these roles; the account itself need not exist for a signed token."""
    return Actor(new_id(moment()), organisation, frozenset(roles))


AUTHORITY = actor(Role.AUTHORITY)
FINANCE = actor(Role.FINANCE)
REVIEWER = actor(Role.REVIEWER)
AUDITOR = actor(Role.AUDITOR)
ADMIN = actor(Role.ADMIN)
