"""What a route says about its caller: `allow(permission)`, or open to visitors; and how a stopped one is treated."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import OAuth2PasswordBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation import idempotency
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Forbidden, Unauthenticated
from datamarket.foundation.http import API_PREFIX, KeyHeader, database_of, written
from datamarket.foundation.waiting.patience import patient

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token", scopes={word.value: word.value for word in Permission}, auto_error=False
)
_TOKENLESS = {f"{API_PREFIX}/auth/{word}" for word in ("token", "refresh", "revoke")}
"""What one does because the access token is old: it is not looked at."""


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
    state, header = request.state, request.headers.get("authorization")
    state.actor, state.caller = None, "visitor"
    if header is None or request.scope["path"] in _TOKENLESS:
        return
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignInNeeded
    market = request.app.state
    state.actor = market.tokens.read(token.strip(), now=market.read_clock())
    state.caller = str(state.actor.account_id)


def _let_in(request: Request) -> Actor | None:
    """Whom the guard of this request has let in, or none where visitors may ask."""
    actor: Actor | None = request.state.actor
    return actor


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

    scoped = Security(bearer, scopes=[permission])  # by which the document says whose role may ask

    async def permitted(request: Request, _token: Annotated[str | None, scoped]) -> Actor:
        return checked(request)

    permitted.permission = permission  # type: ignore[attr-defined]
    permitted.before_body = admit  # type: ignore[attr-defined]
    permitted.taken = _let_in  # type: ignore[attr-defined]
    return Depends(permitted)


async def visitor(request: Request) -> Actor | None:
    return _let_in(request)


visitor.before_body = identify  # type: ignore[attr-defined]
visitor.taken = _let_in  # type: ignore[attr-defined]
Visitor = Annotated[Actor | None, Depends(visitor)]
"""Open to everyone; the actor when signed in."""


async def open_deciding(request: Request) -> AsyncIterator[AsyncSession]:
    """A transaction for a read that is acted on, or for what takes no key: who may not write now is refused."""
    async with patient(database_of(request), request.scope["endpoint"]).transaction() as session:
        await idempotency.check_caller(await driver(session), request.state.caller)
        yield session


async def open_settling(request: Request, idempotency_key: KeyHeader) -> AsyncIterator[AsyncSession]:
    """`Writing` for what is owed already: an organisation that is suspended, or has left, may still do it."""
    async with written(request, idempotency_key, settling=True) as session:
        yield session


Deciding = Annotated[AsyncSession, Depends(open_deciding, scope="function")]
Settling = Annotated[AsyncSession, Depends(open_settling, scope="function")]


def permission_of(dependency: Callable[..., Any] | None) -> Permission | None:
    """The permission that a dependency asks for: the test that walks the routes reads it."""
    return getattr(dependency, "permission", None)


ReadMarket = Annotated[Actor, allow(Permission.READ_MARKET)]
ReadLedger = Annotated[Actor, allow(Permission.READ_LEDGER)]
ReadSubsidy = Annotated[Actor, allow(Permission.READ_SUBSIDY)]
ManageParticipants = Annotated[Actor, allow(Permission.MANAGE_PARTICIPANTS)]
ManageZones = Annotated[Actor, allow(Permission.MANAGE_ZONES)]
MakePayout = Annotated[Actor, allow(Permission.MAKE_PAYOUT)]
"""What routes of more than one room ask for."""
