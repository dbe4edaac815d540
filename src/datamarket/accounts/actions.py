"""Opening and closing accounts."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth import actions as auth
from datamarket.auth.tables import Account
from datamarket.auth.terms import Actor, Role
from datamarket.evidence import actions as evidence
from datamarket.foundation.errors import NotFound
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants


async def open_account(
    session: AsyncSession,
    actor: Actor,
    *,
    username: str,
    password: str,
    roles: Iterable[Role],
    participant_id: UUID | None,
    now: datetime,
) -> Account:
    """Let somebody sign in, for an admitted organisation or for an office of the city.

    Raises UsernameTaken, ParticipantNotAdmitted, and NotFound for an organisation that is not there.
    """
    if participant_id is not None:
        await participants.check_admitted(session, participant_id)
    chosen = sorted(set(roles))
    account = await auth.open_account(
        session, username=username, password=password, roles=chosen, participant_id=participant_id, now=now
    )
    await evidence.record(
        session,
        actor,
        "accounts.open",
        ("account", account.id),
        now=now,
        username=username,
        roles=[str(role) for role in chosen],
    )
    return account


async def close_account(
    session: AsyncSession, actor: Actor, account: Account, *, reason: str | None, now: datetime
) -> Account:
    """The account can no longer sign in or refresh."""
    closed = await auth.close_account(session, account, now=now)
    await evidence.record(session, actor, "accounts.close", ("account", closed.id), now=now, reason=reason)
    return closed


async def open_with_random_password(
    session: AsyncSession, *, username: str, roles: Iterable[Role], uscc: str | None, now: datetime
) -> str:
    """An account opened at the machine itself, and its password, which is kept nowhere.

    It is how the first administrator comes to be; on record, the account opened itself.
    """
    password = secrets.token_urlsafe(16)
    organisation = await participants.find_by_uscc(session, uscc) if uscc else None
    if uscc and organisation is None:
        raise NotFound(thing="participant")
    machine = Actor(new_id(now), None, frozenset({Role.ADMIN}))
    await open_account(
        session,
        machine,
        username=username,
        password=password,
        roles=roles,
        participant_id=organisation.id if organisation else None,
        now=now,
    )
    return password
