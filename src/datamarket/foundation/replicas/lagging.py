"""Reads that may lag: which routes, when a replica answers them, and who reads the primary all the same.

A replica is known to have all that was committed before an instant (`server/following.py` asks it). It answers a route
that is marked, unless that instant is too long ago, or its caller was answered a write by this process since. What the
replica cannot answer the primary does: nobody hears of a replica that is gone.
"""

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from fastapi import Request
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamarket.foundation.db import Database
from datamarket.foundation.waiting.patience import patient

MarkedT = TypeVar("MarkedT", bound=Callable[..., Any])
LAGGING: set[Callable[..., Any]] = set()
ANSWERED = Counter("datamarket_replica_reads_total", "Reads that may lag, by who answered", ["by"])
REPLICA, PRIMARY, AGAIN = (ANSWERED.labels(by) for by in ("replica", "primary", "primary-again"))


def may_lag(endpoint: MarkedT) -> MarkedT:
    """Written between the route and its function; the document says it as `x-may-lag`."""
    LAGGING.add(endpoint)
    return endpoint


def said_of(endpoint: Callable[..., Any], extra: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the document says of a route besides."""
    return {**(extra or {}), "x-may-lag": True} if endpoint in LAGGING else extra


class AsOf(NamedTuple):
    """What a replica has: what this process's first `writes`, and its first `ended` of all kinds, changed, and what the first `changes` were told of.

    And whatever was committed before that nanosecond of the monotonic clock.
    """

    writes: int
    changes: int
    ended: int
    at: int


@dataclass
class Replica:
    """A copy that follows the primary, read as long as it is known to be near."""

    database: Database
    limit_seconds: int
    as_of: AsOf | None = None
    _wrote: dict[str, int] = field(default_factory=dict)

    def caught_up(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._wrote = {caller: at for caller, at in self._wrote.items() if at >= as_of.at}

    def lost(self, *_: object) -> None:
        """Until it has caught up again."""
        self.as_of = None

    def heard_of_write(self, caller: str) -> None:
        self._wrote[caller] = time.monotonic_ns()

    def forget_writes(self, before: int) -> None:
        """While it is gone: it will not be read before it has them."""
        self._wrote = {caller: at for caller, at in self._wrote.items() if at >= before}

    def read_by(self, caller: str, *, now: int) -> AsOf | None:
        """What is known of it, where it may answer this caller."""
        as_of = self.as_of
        if as_of is None or now > as_of.at + self.limit_seconds * 10**9:
            return None
        return as_of if self._wrote.get(caller, 0) < as_of.at else None


def nearby(request: Request) -> Database:
    """For a marked route: the replica, where there is one that may answer, else the primary."""
    state = request.app.state
    primary: Database = state.database
    replica: Replica | None = state.replica
    if replica is None:
        return primary
    scope = request.scope
    as_of = None if "from_primary" in scope else replica.read_by(caller_of(scope), now=time.monotonic_ns())
    if as_of is None:
        PRIMARY.inc()
        return primary
    scope["as_of"] = as_of
    REPLICA.inc()
    return replica.database


def reading(request: Request) -> Database:
    """Where a route reads, with its deadline."""
    endpoint = request.scope["endpoint"]
    return patient(nearby(request) if endpoint in LAGGING else request.app.state.database, endpoint)


def caller_of(scope: MutableMapping[str, Any]) -> str:
    """Visitors are one."""
    caller: str = scope.get("state", {}).get("caller", "visitor")
    return caller


class ReplicaMiddleware:
    """Only where there is a replica: hears of writes before their callers do, and asks the primary what a replica failed."""

    def __init__(self, app: ASGIApp, replica: Replica) -> None:
        self.app = app
        self._replica = replica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] == "GET":
            await self._read(scope, receive, send)
        else:
            await self.app(scope, receive, self._told(scope, send))

    def _told(self, scope: Scope, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._replica.heard_of_write(caller_of(scope))
            await send(message)

        return told

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Once more where the replica broke, or took too long: nothing of that answer has been sent."""
        first: Scope = dict(scope)
        failed = False

        async def unless_failed(message: Message) -> None:
            nonlocal failed
            failed = failed or (message.get("status", 200) >= 500 and "as_of" in first)
            if not failed:
                await send(message)

        await self.app(first, receive, unless_failed)
        if failed:
            self._replica.lost()
            AGAIN.inc()
            scope["from_primary"] = True
            await self.app(scope, receive, send)
        else:
            scope.update(first)
