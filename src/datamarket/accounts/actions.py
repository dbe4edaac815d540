"""Opening and closing accounts."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.accounts import rules
from datamarket.auth import actions as auth
from datamarket.auth import passwords
from datamarket.auth import queries as account_queries
from datamarket.auth.rules import check_roles
from datamarket.auth.tables import Account
from datamarket.auth.terms import Actor, Role
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import there
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.participants.terms import ParticipantKind


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

    Raises UsernameTaken, ParticipantNotAdmitted, and NotFound for an organisation that is not there; RolesApart,
    RoleOfOffice or RoleNotGiven for roles that it may not have.
    """
    chosen = sorted(set(roles))
    check_roles(chosen, participant_id)
    kind = None
    if participant_id is not None:
        await participants.lock_admitted(session, participant_id)
        kind = ParticipantKind((await participants.get_participant(session, participant_id)).kind)
    for role in chosen:
        rules.check_kind(role, kind)
    account = await auth.open_account(
        session, username=username, password=password, roles=chosen, participant_id=participant_id, now=now
    )
    await evidence.record(
        session,
        actor,
        "accounts.open",
        ("account", account.id),
        account,
        now=now,
        username=username,
        roles=[str(role) for role in chosen],
    )
    return account


async def close_account(
    session: AsyncSession, actor: Actor, account_id: UUID, *, reason: str | None, now: datetime
) -> Account:
    """The account can no longer sign in, refresh or write. Raises NotFound or LastAdministrator."""
    closed = await auth.close_account(session, account_id, now=now)
    await evidence.record(
        session, actor, "accounts.close", ("account", closed.id), closed, now=now, reason=reason
    )
    return closed


async def open_with_random_password(
    session: AsyncSession, *, username: str, roles: Iterable[Role], uscc: str | None, now: datetime
) -> str:
    """An account opened at the machine itself, and its password, which is kept nowhere.

    It is how the first administrator comes to be; on record, the account opened itself.
    """
    password = passwords.random_password()
    organisation = there(await participants.find_by_uscc(session, uscc), "participant") if uscc else None
    await open_account(
        session,
        _machine(now),
        username=username,
        password=password,
        roles=roles,
        participant_id=organisation.id if organisation else None,
        now=now,
    )
    return password


async def reset_password(session: AsyncSession, actor: Actor, account: Account, *, now: datetime) -> str:
    """A random password in place of one that was lost; it is told once, and opens only the choice of another.

    Raises AccountClosedAlready. Every sign-in of before ends.
    """
    if not account.active:
        raise rules.AccountClosedAlready
    password = passwords.random_password()
    await auth.set_password(session, account, await passwords.hash_of(password), temporary=True, now=now)
    await evidence.record(
        session, actor, "accounts.reset-password", ("account", account.id), account, now=now
    )
    return password


async def reset_password_of(session: AsyncSession, username: str, *, now: datetime) -> str:
    """The same at the machine itself, where no administrator can. Raises NotFound."""
    found = there(await account_queries.find_account_by_name(session, username), "account")
    account = await account_queries.lock_account(session, found.id)
    return await reset_password(session, _machine(now), account, now=now)


def _machine(now: datetime) -> Actor:
    return Actor(new_id(now), None, frozenset({Role.ADMIN}))
