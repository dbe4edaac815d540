"""Reading accounts and refresh tokens."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.tables import Account, RefreshToken
from datamarket.foundation.db import PageAsked, keyset
from datamarket.foundation.errors import NotFound


async def find_account_by_name(session: AsyncSession, username: str) -> Account | None:
    return (await session.exec(select(Account).where(Account.username == username))).first()


async def get_account(session: AsyncSession, account_id: UUID) -> Account:
    """Raises NotFound."""
    account = await session.get(Account, account_id)
    if account is None:
        raise NotFound(thing="account")
    return account


async def lock_account(session: AsyncSession, account_id: UUID) -> Account:
    """The newest row, held until the transaction ends. Raises NotFound."""
    account = await session.get(
        Account, account_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if account is None:
        raise NotFound(thing="account")
    return account


async def list_accounts(session: AsyncSession, *, page: PageAsked[UUID]) -> Sequence[Account]:
    """In the order they were made."""
    return (await session.exec(keyset(select(Account), col(Account.id), page))).all()


async def lock_refresh_token(session: AsyncSession, digest: bytes) -> RefreshToken | None:
    """Of two uses at once, the second sees the first. None when there is no such token."""
    statement = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
    return (await session.exec(statement)).first()
