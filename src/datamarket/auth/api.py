"""/auth and the key set: who comes in, and how; what went wrong is told to the audit."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field

from datamarket.auth import actions, passwords, queries
from datamarket.auth.access import Visitor, allow
from datamarket.auth.passwords import Password
from datamarket.auth.tables import Account
from datamarket.auth.terms import Actor, Permission, Role
from datamarket.foundation.errors import Invalid
from datamarket.foundation.http import NO_NUL, Body, Now, Reading, Shape, SliceRouter, database_of

NOBODY = Actor(UUID(int=0), None, frozenset())
"""Whoever gives a name that no account has."""
router = SliceRouter(tags=["auth"])
keys = APIRouter(tags=["auth"])


class GrantIncomplete(Invalid):
    code = "auth.grant-incomplete"
    zh = (
        "password 方式须提供 username 与 password；client_credentials 方式须提供 client_id 与 client_secret。"
    )
    en = "Grant 'password' needs username and password; 'client_credentials' client_id and client_secret."


OptionalField = Annotated[str | None, Field(max_length=200, pattern=NO_NUL)]


class GrantForm(BaseModel):
    """RFC 6749: `password` and `client_credentials`; parameters that are not known are ignored."""

    grant_type: Literal["password", "client_credentials"] = Field(examples=["password"])
    username: OptionalField = Field(default=None, examples=["authority"])
    password: OptionalField = Field(default=None, examples=["a long pass phrase"])
    client_id: OptionalField = None
    client_secret: OptionalField = None
    scope: OptionalField = None

    @property
    def name(self) -> str | None:
        return self.username if self.grant_type == "password" else self.client_id

    @property
    def secret(self) -> str | None:
        return self.password if self.grant_type == "password" else self.client_secret


class RefreshForm(BaseModel):
    """The refresh token as it was handed out."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)] = Field(
        examples=["p3c0nXWcYkqkYb1rC0N7E1m0b1yq0u8o6m2x4wQ9d5s"]
    )


class PasswordsIn(Body):
    """The password that one has, and the one that one wants."""

    old: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)] = Field(
        examples=["a long pass phrase"]
    )
    new: Password = Field(examples=["a longer pass phrase"])


class TokenOut(Shape):
    """RFC 6749: the access token is sent as `Authorization: Bearer …`."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a kind
    expires_in: int = Field(description="seconds")


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


@router.post("/auth/token", summary="Sign in")
async def issue_token(
    request: Request, now: Now, form: Annotated[GrantForm, Form()], _caller: Visitor
) -> TokenOut:
    """An access token of some minutes, and a refresh token that works once."""
    if not form.name or not form.secret:
        raise GrantIncomplete
    compared = await _compare(request, form.name, form.secret, now)
    days = request.app.state.settings.refresh_days
    async with database_of(request).transaction() as session:
        account = await actions.lock_unchanged(session, compared)
        return _issue(request, await actions.issue_refresh(session, account, now=now, days=days), now)


async def _compare(request: Request, username: str, password: str, now: datetime) -> Account:
    """The account of a name and its password, which no transaction waits for. Raises UsernameBusy, SignInRefused."""
    state, address = request.app.state, _address_of(request)
    state.attempts.begin(username, address)
    async with database_of(request).transaction() as session:
        found = await queries.find_account_by_name(session, username)
    try:
        account = await actions.check_password(found, password)
    except actions.SignInRefused:
        if state.attempts.may_be_told():
            await _tell(request, found, "auth.sign-in-refused", now)
        raise
    state.attempts.succeed(username, address)
    return account


async def _tell(request: Request, account: Account | None, action: str, now: datetime) -> None:
    """An audit event of an account that somebody tried to come in with; of NOBODY, in the same time, where there is none."""
    actor = actions.actor_of(account) if account else NOBODY
    subject, address = ("account", actor.account_id), _address_of(request)
    async with database_of(request).transaction() as session:
        await request.app.state.record(session, actor, action, subject, now=now, address=address)


def _address_of(request: Request) -> str:
    return request.client.host if request.client else "-"


@router.post("/auth/refresh", summary="A new pair for a refresh token")
async def refresh_token(
    request: Request, now: Now, form: Annotated[RefreshForm, Form()], _caller: Visitor
) -> TokenOut:
    """The old refresh token is spent; used again after ten seconds, it ends every token that came from it."""
    days = request.app.state.settings.refresh_days
    async with database_of(request).transaction() as session:
        rotated = await actions.rotate_refresh(session, form.refresh_token, now=now, days=days)
    if isinstance(rotated, actions.Refresh):
        return _issue(request, rotated, now)
    if rotated is not None:
        await _tell(request, rotated.account, "auth.refresh-reused", now)
    raise actions.RefreshRefused


@router.post("/auth/revoke", status_code=204, summary="Sign out")
async def revoke_token(
    session: Reading, now: Now, form: Annotated[RefreshForm, Form()], _caller: Visitor
) -> None:
    """Ends a refresh token and all that came from the same sign-in."""
    await actions.revoke_refresh(session, form.refresh_token, now=now)


@router.post("/auth/password", summary="Choose another password")
async def change_password(
    request: Request, actor: Annotated[Actor, allow(Permission.READ_SELF)], now: Now, body: PasswordsIn
) -> TokenOut:
    """Every sign-in of before ends: the answer is the only pair of tokens. It takes no key: secrets are not stored."""
    async with database_of(request).transaction() as session:
        found = await queries.get_account(session, actor.account_id)
    compared = await _compare(request, found.username, body.old, now)
    chosen = await passwords.hash_of(body.new)
    days = request.app.state.settings.refresh_days
    async with database_of(request).transaction() as session:
        account = await actions.lock_unchanged(session, compared)
        await actions.set_password(session, account, chosen, temporary=False, now=now)
        await request.app.state.record(
            session, actor, "auth.change-password", ("account", account.id), account, now=now
        )
        return _issue(request, await actions.issue_refresh(session, account, now=now, days=days), now)


@router.get("/auth/me", summary="Who am I")
async def who_am_i(actor: Annotated[Actor, allow(Permission.READ_SELF)]) -> WhoOut:
    return WhoOut(
        account_id=actor.account_id,
        participant_id=actor.participant_id,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
    )


@keys.get("/.well-known/jwks.json", summary="The public keys that sign access tokens")
async def key_set(request: Request) -> dict[str, list[dict[str, Any]]]:
    jwks: dict[str, list[dict[str, Any]]] = request.app.state.tokens.jwks
    return jwks
