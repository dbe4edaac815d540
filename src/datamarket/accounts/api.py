"""/accounts: open, list, close, reset a password."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from datamarket.accounts import actions
from datamarket.auth import queries
from datamarket.auth.access import Deciding, allow
from datamarket.auth.passwords import Password
from datamarket.auth.terms import Actor, Permission, Role
from datamarket.foundation.http import (
    Body,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/accounts", tags=["accounts"])
Username = Annotated[str, StringConstraints(min_length=3, max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
ManageAccounts = Annotated[Actor, allow(Permission.MANAGE_ACCOUNTS)]
ReadAccounts = Annotated[Actor, allow(Permission.READ_ACCOUNTS)]


class AccountIn(Body):
    """`participant_id` is the organisation that the account acts for; the city's own offices have none."""

    username: Username = Field(examples=["buyer.one"])
    password: Password = Field(examples=["a long pass phrase"])
    roles: list[Role] = Field(min_length=1, max_length=8, examples=[["buyer"]])
    participant_id: UUID | None = None


class AccountEvent(Body):
    """A closed account stays closed."""

    event: Literal["close"] = Field(examples=["close"])
    reason: Prose | None = None


class AccountOut(RowShape):
    """An account; its password is kept as a hash, and shown to nobody."""

    id: UUID
    username: str
    roles: list[Role]
    participant_id: UUID | None
    active: bool
    created_at: datetime


class TemporaryPasswordOut(Shape):
    """For its owner alone: until another is chosen, nothing is written with it."""

    password: str


@router.post("", status_code=201, summary="Open an account")
async def open_account(actor: ManageAccounts, session: Writing, now: Now, body: AccountIn) -> AccountOut:
    return AccountOut.of(await actions.open_account(session, actor, **dict(body), now=now))


@router.get("", summary="All accounts")
async def list_accounts(actor: ReadAccounts, session: Reading, paging: Paging[UUID]) -> Page[AccountOut]:
    rows = await queries.list_accounts(session, page=paging)
    return page_of(rows, paging, AccountOut.of, lambda account: [account.id])


@router.post("/{account_id}/events", summary="Close an account")
async def move_account(
    actor: ManageAccounts, session: Writing, now: Now, account_id: UUID, body: AccountEvent
) -> AccountOut:
    closed = await actions.close_account(session, actor, account_id, reason=body.reason, now=now)
    return AccountOut.of(closed)


@router.post("/{account_id}/password", summary="Reset a password that was lost", responses={409: {}})
async def reset_password(
    actor: ManageAccounts, session: Deciding, now: Now, account_id: UUID
) -> TemporaryPasswordOut:
    """Answered once, and stored nowhere, so it takes no key: asked again, it is another one."""
    account = await queries.lock_account(session, account_id)
    return TemporaryPasswordOut(password=await actions.reset_password(session, actor, account, now=now))
