"""Opening and closing accounts, their passwords, signing in, rotating and revoking refresh tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth import passwords, queries
from datamarket.auth.rules import LastAdministrator, PasswordTemporary, check_roles
from datamarket.auth.tables import Account, RefreshToken
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.errors import Unauthenticated
from datamarket.foundation.ids import new_id

REFRESH_GRACE = timedelta(seconds=10)
"""Tabs of one browser wake together and send the same refresh token: so long, each gets a pair of its own."""


class SignInRefused(Unauthenticated):
    code = "auth.sign-in-refused"
    zh = "用户名或密码不正确，或账户已停用。"
    en = "User name or password is wrong, or the account is closed."


class RefreshRefused(Unauthenticated):
    code = "auth.refresh-refused"
    zh = "刷新令牌无效、已使用或已撤销；请重新登录。"
    en = "The refresh token is unknown, used or revoked; sign in again."


@dataclass(frozen=True)
class Refresh:
    """A refresh token as handed out, once, and the account that it is for."""

    token: str
    account: Account


@dataclass(frozen=True)
class Reuse:
    """A refresh token was used again, long after its use: somebody has copied it, and its family has ended."""

    account: Account


def actor_of(account: Account) -> Actor:
    return Actor(account.id, account.participant_id, frozenset(Role(role) for role in account.roles))


async def open_account(
    session: AsyncSession,
    *,
    username: str,
    password: str,
    roles: Iterable[Role],
    participant_id: UUID | None,
    now: datetime,
) -> Account:
    """A person or program that may sign in for an organisation. Raises RolesApart, RoleOfOffice, UsernameTaken."""
    given = set(roles)
    check_roles(given, participant_id)
    account = Account(
        id=new_id(now),
        username=username,
        password_hash=await passwords.hash_of(password),
        participant_id=participant_id,
        roles=sorted(given),
        created_at=now,
    )
    session.add(account)
    await session.flush()
    return account


async def check_password(account: Account | None, password: str) -> Account:
    """The account, when the password is right. Raises SignInRefused, in the same time for all causes.

    Then RolesApart or RoleOfOffice, for an account of before that has what is not given any more. It asks
    no database: none waits while a password is compared.
    """
    right = await passwords.is_right(account.password_hash if account else None, password)
    if account is None or not right or not account.active:
        raise SignInRefused
    check_roles([Role(role) for role in account.roles], account.participant_id)
    return account


async def person_of(session: AsyncSession, username: str, password: str) -> tuple[str, Actor]:
    """Who signs at the machine itself, by name. Raises SignInRefused, or PasswordTemporary: that one others know, too."""
    account = await check_password(await queries.find_account_by_name(session, username), password)
    if account.password_temporary:
        raise PasswordTemporary
    return account.username, actor_of(account)


async def lock_unchanged(session: AsyncSession, compared: Account) -> Account:
    """The account whose password was compared, held. Raises SignInRefused where it was closed or reset meanwhile."""
    account = await queries.lock_account(session, compared.id)
    if not account.active or account.password_hash != compared.password_hash:
        raise SignInRefused
    return account


async def set_password(
    session: AsyncSession, account: Account, password_hash: str, *, temporary: bool, now: datetime
) -> None:
    """From now on this one; every refresh token of before has ended."""
    account.password_hash, account.password_temporary = password_hash, temporary
    account.version += 1
    await _revoke(session, col(RefreshToken.account_id) == account.id, now)


async def close_account(session: AsyncSession, account_id: UUID, *, now: datetime) -> Account:
    """The account can no longer sign in, refresh or write. Raises NotFound or LastAdministrator."""
    account, administrators = await queries.lock_among_administrators(session, account_id)
    if administrators == [account]:
        raise LastAdministrator
    account.active = False
    account.version += 1
    await _revoke(session, col(RefreshToken.account_id) == account.id, now)
    return account


async def issue_refresh(
    session: AsyncSession, account: Account, *, now: datetime, days: int, family: UUID | None = None
) -> Refresh:
    """A refresh token; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            digest=_digest(token),
            family=family or new_id(now),
            account_id=account.id,
            expires_at=now + timedelta(days=days),
        )
    )
    await session.flush()
    return Refresh(token, account)


async def rotate_refresh(
    session: AsyncSession, token: str, *, now: datetime, days: int
) -> Refresh | Reuse | None:
    """A new refresh token for an old one, which is then spent; None when it was not good.

    A use again after REFRESH_GRACE means that somebody copied it: the whole family ends. Reuse, not an
    error, so that this ending is committed.
    """
    found = await queries.lock_refresh_token(session, _digest(token))
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    account = await queries.get_account(session, found.account_id)
    if not account.active:
        return None
    if found.used_at is not None and now - found.used_at > REFRESH_GRACE:
        await _revoke(session, col(RefreshToken.family) == found.family, now)
        return Reuse(account)
    found.used_at = found.used_at or now
    check_roles([Role(role) for role in account.roles], account.participant_id)
    return await issue_refresh(session, account, now=now, days=days, family=found.family)


async def revoke_refresh(session: AsyncSession, token: str, *, now: datetime) -> None:
    """End the token's whole family; an unknown token is no error (RFC 7009)."""
    found = await queries.lock_refresh_token(session, _digest(token))
    if found is not None:
        await _revoke(session, col(RefreshToken.family) == found.family, now)


async def _revoke(session: AsyncSession, which: object, now: datetime) -> None:
    statement = update(RefreshToken).where(which, col(RefreshToken.revoked_at).is_(None))  # type: ignore[arg-type]
    await session.exec(statement.values(revoked_at=now))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
