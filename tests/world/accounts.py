"""Accounts with a password, and an application whose clock can be moved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import FastAPI
from httpx import AsyncClient, Response

from datamarket.accounts.actions import close_account
from datamarket.auth import actions
from datamarket.auth.tables import Account
from datamarket.auth.terms import Actor, Role
from datamarket.evidence.actions import record
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world.people import ADMIN, NOON, unique

PASSWORD = "correct horse battery"  # noqa: S105 - of a test's own accounts


async def clerk(database: Database, *roles: Role, organisation: UUID | None = None) -> Account:
    """An account that can sign in; of the authority unless roles are named."""
    async with database.transaction() as session:
        account = await actions.open_account(
            session,
            username=unique("clerk"),
            password=PASSWORD,
            roles=roles or {Role.AUTHORITY},
            participant_id=organisation,
            now=NOON,
        )
        await record(session, ADMIN, "accounts.open", ("account", account.id), account, now=NOON)
        return account


async def close(database: Database, account_id: UUID) -> None:
    async with database.transaction() as session:
        await close_account(session, ADMIN, account_id, reason=None, now=NOON)


async def sign_in(visitor: AsyncClient, account: Account, password: str = PASSWORD) -> Response:
    form = {"grant_type": "password", "username": account.username, "password": password}
    return await visitor.post("/auth/token", data=form)


async def refresh(visitor: AsyncClient, token: str) -> Response:
    return await visitor.post("/auth/refresh", data={"refresh_token": token})


@dataclass
class Hall:
    """An application of a test's own, and its clock."""

    app: FastAPI
    now: datetime = NOON

    @classmethod
    def of(cls, settings: Settings, database: Database, **changed: object) -> "Hall":
        hall = cls.__new__(cls)
        made = create_app(settings.model_copy(update=changed), database, read_clock=lambda: hall.now)
        hall.__init__(made)  # type: ignore[misc]
        return hall

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def client(self, who: Actor | None = None) -> AsyncClient:
        return client_of(self.app, who, self.now)
