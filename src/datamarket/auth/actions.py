"""Opening and closing accounts, signing in, rotating and revoking refresh tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth import queries
from datamarket.auth.tables import Account, RefreshToken
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.errors import Unauthenticated
from datamarket.foundation.ids import new_id

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's minimum for argon2id
_hash_of_nobody = _hasher.hash(secrets.token_urlsafe())


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
    """A person or program that may sign in for an organisation. Raises UsernameTaken."""
    account = Account(
        id=new_id(now),
        username=username,
        password_hash=_hasher.hash(password),
        participant_id=participant_id,
        roles=sorted(roles),
        created_at=now,
    )
    session.add(account)
    await session.flush()
    return account


async def sign_in(session: AsyncSession, *, username: str, password: str) -> Account:
    """The account, when the password is right. Raises SignInRefused, in the same time for all causes."""
    account = await queries.find_account_by_name(session, username)
    try:
        _hasher.verify(account.password_hash if account else _hash_of_nobody, password)
    except (VerificationError, InvalidHashError):
        raise SignInRefused from None
    if account is None or not account.active:
        raise SignInRefused
    return account


async def close_account(session: AsyncSession, account: Account, *, now: datetime) -> Account:
    """The account can no longer sign in or refresh; access tokens end by themselves in minutes."""
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


async def rotate_refresh(session: AsyncSession, token: str, *, now: datetime, days: int) -> Refresh | None:
    """A new refresh token for an old one, which is then spent; None when it was not good.

    A second use means that somebody copied it: the whole family ends. None, not an error, so that
    this ending is committed.
    """
    found = await queries.lock_refresh_token(session, _digest(token))
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    if found.used_at is not None:
        await _revoke(session, col(RefreshToken.family) == found.family, now)
        return None
    found.used_at = now
    account = await queries.get_account(session, found.account_id)
    if not account.active:
        return None
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
