"""Reading accounts."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.tables import Account, RefreshToken
from datamarket.foundation.errors import NotFound


async def find_account_by_name(session: AsyncSession, username: str) -> Account | None:
    return (await session.exec(select(Account).where(Account.username == username))).first()


async def get_account(session: AsyncSession, account_id: UUID) -> Account:
    """Raises NotFound."""
    account = await session.get(Account, account_id)
    if account is None:
        raise NotFound(thing="account")
    return account


async def list_accounts(session: AsyncSession, *, limit: int, after: UUID | None) -> Sequence[Account]:
    """In the order they were made."""
    statement = select(Account).order_by(col(Account.id)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(Account.id) > after)
    return (await session.exec(statement)).all()


async def find_refresh_token(session: AsyncSession, digest: bytes) -> RefreshToken | None:
    """Locked: of two uses at once, the second sees the first."""
    statement = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
    return (await session.exec(statement)).first()
