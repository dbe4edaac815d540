"""Reading accounts and refresh tokens."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, false, or_, select, true
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.tables import Account, RefreshToken
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import PageAsked, get_row, keyset, lock_row, there


def seen_by(actor: Actor, *owners: Any) -> ColumnElement[bool]:
    """What an actor sees of rows that belong to organisations: overseers all, others what is one of theirs.

    Without an organisation one owns nothing: what belongs to nobody, such as the treasury's account, is the city's.
    """
    if actor.sees_all:
        return true()
    if actor.participant_id is None:
        return false()
    return or_(*(owner == actor.participant_id for owner in owners))


async def find_account_by_name(session: AsyncSession, username: str) -> Account | None:
    return (await session.exec(select(Account).where(Account.username == username))).first()


async def get_account(session: AsyncSession, account_id: UUID) -> Account:
    """Raises NotFound."""
    return await get_row(session, Account, account_id, "account")


async def names_of(session: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """What these accounts are called, and what they are in Chinese; those that are none are left out."""
    named = select(Account.id, Account.username, Account.roles).where(col(Account.id).in_(account_ids))
    rows = (await session.exec(named)).all()
    return {
        account_id: f"{username}（{'、'.join(Role(role).zh for role in roles)}）"
        for account_id, username, roles in rows
    }


async def lock_account(session: AsyncSession, account_id: UUID) -> Account:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, Account, account_id, "account", key_share=True)


async def lock_among_administrators(session: AsyncSession, account_id: UUID) -> tuple[Account, list[Account]]:
    """The account, and every open one of an administrator, held in one order: of two who close each other one waits.

    Raises NotFound.
    """
    administrates = col(Account.active) & col(Account.roles).contains([Role.ADMIN])
    statement = select(Account).where(or_(Account.id == account_id, administrates)).order_by(col(Account.id))
    locked = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    rows = (await session.exec(locked)).all()
    account = there(next((row for row in rows if row.id == account_id), None), "account")
    return account, [row for row in rows if row.active and Role.ADMIN in row.roles]


async def list_accounts(session: AsyncSession, *, page: PageAsked[UUID]) -> Sequence[Account]:
    """In the order they were made."""
    return (await session.exec(keyset(select(Account), col(Account.id), page))).all()


async def lock_refresh_token(session: AsyncSession, digest: bytes) -> RefreshToken | None:
    """Of two uses at once, the second sees the first. None when there is no such token."""
    statement = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
    return (await session.exec(statement)).first()
