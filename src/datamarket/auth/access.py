"""What a route says about its caller: `allow(permission)`, or open to visitors."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import OAuth2PasswordBearer

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.errors import Forbidden, Unauthenticated

bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


class SignInNeeded(Unauthenticated):
    code = "auth.sign-in-needed"
    zh = "请先登录：须在 Authorization 请求头中携带 Bearer 访问令牌。"
    en = "Sign in first: send a bearer access token in the header Authorization."


class NotPermitted(Forbidden):
    code = "auth.not-permitted"
    zh = "您的角色不具备权限“{permission}”。"
    en = "Your roles do not include the permission '{permission}'."


async def identify(request: Request) -> None:
    """Reads the caller's token, if any, before anything else of the request is done. Raises SignInNeeded."""
    header = request.headers.get("authorization")
    request.state.actor = None
    request.state.caller = "visitor"
    if header is None:
        return
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignInNeeded
    actor = request.app.state.tokens.read(token.strip(), now=request.app.state.read_clock())
    request.state.actor = actor
    request.state.caller = str(actor.account_id)


def allow(permission: Permission) -> Any:
    """The actor, when one of their roles has the permission. Raises SignInNeeded or NotPermitted, before the body is read."""

    def checked(request: Request) -> Actor:
        actor: Actor | None = request.state.actor
        if actor is None:
            raise SignInNeeded
        if not actor.may(permission):
            raise NotPermitted(permission=permission)
        return actor

    async def admit(request: Request) -> None:
        await identify(request)
        checked(request)

    async def permitted(request: Request, _token: Annotated[str | None, Security(bearer)]) -> Actor:
        return checked(request)

    permitted.permission = permission  # type: ignore[attr-defined]
    permitted.before_body = admit  # type: ignore[attr-defined]
    return Depends(permitted)


async def visitor(request: Request) -> Actor | None:
    actor: Actor | None = request.state.actor
    return actor


visitor.before_body = identify  # type: ignore[attr-defined]
Visitor = Annotated[Actor | None, Depends(visitor)]
"""Open to everyone; the actor when signed in."""


def permission_of(dependency: Callable[..., Any] | None) -> Permission | None:
    """The permission that a dependency asks for: the test that walks the routes reads it."""
    return getattr(dependency, "permission", None)


ReadMarket = Annotated[Actor, allow(Permission.READ_MARKET)]
ReadLedger = Annotated[Actor, allow(Permission.READ_LEDGER)]
ReadSubsidy = Annotated[Actor, allow(Permission.READ_SUBSIDY)]
ManageParticipants = Annotated[Actor, allow(Permission.MANAGE_PARTICIPANTS)]
MakePayout = Annotated[Actor, allow(Permission.MAKE_PAYOUT)]
"""What routes of more than one room ask for."""
