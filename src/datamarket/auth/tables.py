"""Accounts and refresh tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import Conflict, MarketError
from datamarket.foundation.tables import ARRAY, Text, instant


class UsernameTaken(Conflict):
    code = "account.username-taken"
    zh = "该用户名已被使用。"
    en = "This user name is taken."


class Account(SQLModel, table=True):
    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("username", name="account_username_key"),
        CheckConstraint("cardinality(roles) > 0", name="account_roles_check"),
    )
    id: UUID = Field(primary_key=True)
    username: str
    password_hash: str
    password_temporary: bool = False
    participant_id: UUID | None = Field(default=None, index=True)
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    active: bool = True
    created_at: datetime = instant()
    version: int = 1


class RefreshToken(SQLModel, table=True):
    __tablename__ = "refresh_token"
    digest: bytes = Field(primary_key=True)
    family: UUID = Field(index=True)
    account_id: UUID = Field(foreign_key="account.id")
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)
    revoked_at: datetime | None = instant(nullable=True)


ERRORS: dict[str, type[MarketError]] = {"account_username_key": UsernameTaken}
