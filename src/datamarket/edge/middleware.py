"""One plain ASGI layer: request id, rate limit, one log line and the metrics of each request."""

import functools
import logging
import re
import secrets
import time
from itertools import count
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamarket.edge.answers import AnswerMiddleware
from datamarket.edge.crowding import CrowdMiddleware
from datamarket.edge.limits import RateLimits, refusal
from datamarket.edge.remembered import RememberingMiddleware
from datamarket.edge.signpost import HotMiddleware, Signpost
from datamarket.foundation.clock import read_clock
from datamarket.foundation.replicas.lagging import ReplicaMiddleware
from datamarket.foundation.settings import Settings

log = logging.getLogger("datamarket.requests")
REQUESTS = Counter("datamarket_requests_total", "Requests answered", ["method", "route", "status"])
DURATION = Histogram(
    "datamarket_request_seconds",
    "Time to the last byte of the answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_PROCESS, _TURN = secrets.token_hex(8), count(1)
"""A request id is a name and no secret: random bytes for each would take as long as reading its headers."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Of RFC 9110: a made-up method makes no series of its own."""


@functools.cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: there are as many as `/metrics` shows, of known methods and routes."""
    return REQUESTS.labels(method, route, status), DURATION.labels(method, route)


class EdgeMiddleware:
    """Wraps the whole application; nothing here reads a body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._logging = settings.log_requests
        self._limits = RateLimits(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _GIVEN_ID.fullmatch(given) else f"{_PROCESS}{next(_TURN):016x}"
        scope["request_id"] = request_id
        status = 500
        bucket = self._limits.take(scope, headers)

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *bucket.headers(),
                ]
            await send(message)

        try:
            if bucket.exceeded:
                await refusal(scope, bucket)(scope, receive, send_marked)
            else:
                await self.app(scope, receive, send_marked)
        finally:
            self._account(scope, status, time.perf_counter_ns() - started)

    def _account(self, scope: Scope, status: int, nanoseconds: int) -> None:
        route: Any = scope.get("route")
        template = getattr(route, "path", "unmatched")
        method = scope.get("asked_method", scope["method"])
        counted = method if template != "unmatched" and method in _METHODS else "-"
        answered, lasted = _series(counted, template, status)
        answered.inc()
        lasted.observe(nanoseconds / 1e9)
        if self._logging and log.isEnabledFor(logging.INFO):
            line = {
                "at": read_clock(),
                "request_id": scope["request_id"],
                "method": method,
                "path": scope["path"],
                "route": template,
                "status": status,
                "microseconds": nanoseconds // 1000,
                "caller": scope.get("state", {}).get("caller"),
            }
            record = logging.LogRecord(
                log.name, logging.INFO, __file__, 0, orjson.dumps(line).decode(), None, None
            )
            log.handle(record)  # not `info`, which looks through the stack for its caller


def install(app: FastAPI, settings: Settings, signpost: Signpost) -> None:
    """From the inside: the hot routes, a replica's answers, who is one too many, what remembers, the layer above, browsers of other origins, what marks answers."""
    app.add_middleware(HotMiddleware, market=app, signpost=signpost)
    if app.state.replica is not None:
        app.add_middleware(ReplicaMiddleware, replica=app.state.replica)
    app.add_middleware(CrowdMiddleware, settings=settings)
    app.add_middleware(RememberingMiddleware, database=app.state.database, heard=app.state.heard)
    app.add_middleware(EdgeMiddleware, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "HEAD", "POST", "PATCH"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"],
            expose_headers=["ETag", "Link", "X-Request-Id", "Idempotency-Replayed", "Retry-After"],
        )
    app.add_middleware(AnswerMiddleware)
