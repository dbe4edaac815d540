"""/auth, /accounts and the key set."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from pydantic import Field, StringConstraints

from datamarket.auth import actions, queries
from datamarket.auth.access import Visitor, allow
from datamarket.auth.tables import Account
from datamarket.auth.terms import Actor, Permission, Role
from datamarket.foundation.errors import Invalid
from datamarket.foundation.http import (
    NO_NUL,
    Body,
    LimitsDep,
    MarketRoute,
    Now,
    Page,
    Reading,
    Shape,
    Writing,
    decode_cursor,
    page_of,
)

router = APIRouter(route_class=MarketRoute, tags=["auth"])
keys = APIRouter(tags=["auth"])
Username = Annotated[str, StringConstraints(min_length=3, max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Password = Annotated[str, StringConstraints(min_length=12, max_length=200, pattern=NO_NUL)]
Secret = Annotated[str, Form(min_length=1, max_length=500, pattern=NO_NUL)]
ManageAccounts = Annotated[Actor, allow(Permission.MANAGE_ACCOUNTS)]


class GrantIncomplete(Invalid):
    code = "auth.grant-incomplete"
    zh = (
        "password 方式须提供 username 与 password；client_credentials 方式须提供 client_id 与 client_secret。"
    )
    en = "Grant 'password' needs username and password; 'client_credentials' client_id and client_secret."


class TokenOut(Shape):
    """RFC 6749: the access token is sent as `Authorization: Bearer …`."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="seconds")


class AccountIn(Body):
    username: Username
    password: Password
    roles: list[Role] = Field(min_length=1, max_length=8)
    participant_id: UUID | None = None


class AccountOut(Shape):
    id: UUID
    username: str
    roles: list[Role]
    participant_id: UUID | None
    active: bool
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls.model_validate(account, from_attributes=True)


class WhoOut(Shape):
    """Who the token says you are, and what you may do."""

    account_id: UUID
    participant_id: UUID | None
    roles: list[Role]
    permissions: list[Permission]


def _issue(request: Request, refresh: actions.Refresh, now: datetime) -> TokenOut:
    settings = request.app.state.settings
    access = request.app.state.tokens.sign(actions.actor_of(refresh.account), now=now)
    return TokenOut(access_token=access, refresh_token=refresh.token, expires_in=settings.access_minutes * 60)


OptionalField = Annotated[str | None, Form(max_length=200, pattern=NO_NUL)]


class GrantForm:
    """The OAuth2 forms `password` and `client_credentials`."""

    def __init__(  # noqa: PLR0917 - FastAPI reads the form from the signature
        self,
        grant_type: Annotated[Literal["password", "client_credentials"], Form()],
        username: OptionalField = None,
        password: OptionalField = None,
        client_id: OptionalField = None,
        client_secret: OptionalField = None,
        scope: OptionalField = None,
    ) -> None:
        self.name = username if grant_type == "password" else client_id
        self.secret = password if grant_type == "password" else client_secret
        self.scope = scope


@router.post("/auth/token", summary="Sign in")
async def issue_token(
    request: Request, session: Reading, now: Now, form: Annotated[GrantForm, Depends()], _caller: Visitor
) -> TokenOut:
    """An access token of some minutes, and a refresh token that works once."""
    if not form.name or not form.secret:
        raise GrantIncomplete
    account = await actions.sign_in(session, username=form.name, password=form.secret)
    days = request.app.state.settings.refresh_days
    return _issue(request, await actions.issue_refresh(session, account, now=now, days=days), now)


@router.post("/auth/refresh", summary="A new pair for a refresh token")
async def refresh_token(request: Request, now: Now, refresh_token: Secret, _caller: Visitor) -> TokenOut:
    """The old refresh token is spent; a second use of it ends every token that came from it."""
    days = request.app.state.settings.refresh_days
    async with request.app.state.database.transaction() as session:
        rotated = await actions.rotate_refresh(session, refresh_token, now=now, days=days)
    if rotated is None:
        raise actions.RefreshRefused
    return _issue(request, rotated, now)


@router.post("/auth/revoke", status_code=204, summary="Sign out")
async def revoke_token(session: Reading, now: Now, refresh_token: Secret, _caller: Visitor) -> None:
    """Ends a refresh token and all that came from the same sign-in."""
    await actions.revoke_refresh(session, refresh_token, now=now)


@router.get("/auth/me", summary="Who am I")
async def who_am_i(actor: Annotated[Actor, allow(Permission.READ_MARKET)]) -> WhoOut:
    return WhoOut(
        account_id=actor.account_id,
        participant_id=actor.participant_id,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
    )


@router.post("/accounts", status_code=201, summary="Open an account")
async def open_account(actor: ManageAccounts, session: Writing, now: Now, body: AccountIn) -> AccountOut:
    return AccountOut.of(
        await actions.open_account(
            session,
            username=body.username,
            password=body.password,
            roles=set(body.roles),
            participant_id=body.participant_id,
            now=now,
        )
    )


@router.get("/accounts", summary="All accounts")
async def list_accounts(actor: ManageAccounts, session: Reading, limits: LimitsDep) -> Page[AccountOut]:
    cursor = decode_cursor(limits.after, [UUID])
    rows = await queries.list_accounts(session, limit=limits.limit, after=cursor[0] if cursor else None)
    return page_of(rows, limits, AccountOut.of, lambda account: [account.id])


@router.post("/accounts/{account_id}/events", summary="Close an account")
async def move_account(
    actor: ManageAccounts, session: Writing, now: Now, account_id: UUID, body: "AccountEvent"
) -> AccountOut:
    return AccountOut.of(await actions.close_account(session, account_id, now=now))


class AccountEvent(Body):
    event: Literal["close"]
    reason: str | None = Field(default=None, max_length=500)


@keys.get("/.well-known/jwks.json", summary="The public keys that sign access tokens")
async def key_set(request: Request) -> dict[str, list[dict[str, Any]]]:
    jwks: dict[str, list[dict[str, Any]]] = request.app.state.tokens.jwks
    return jwks
