"""One plain ASGI layer: request id, rate limit, one log line and the metrics of each request."""

import logging
import re
import time
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamarket.edge.problems import TooManyRequests, problem
from datamarket.foundation.clock import read_clock
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_id
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
_SIGN_IN = "/api/v1/auth/"


class EdgeMiddleware:
    """Wraps the whole application; nothing here reads a body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._logging = settings.log_requests
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._general = parse(settings.rate_limit)
        self._sign_in = parse(settings.sign_in_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _GIVEN_ID.fullmatch(given) else new_id(read_clock()).hex
        scope["request_id"] = request_id
        status = 500
        limit, caller = self._limit_for(scope, headers)
        allowed = self._limiter.hit(limit, caller)

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *self._limit_headers(limit, caller),
                ]
            await send(message)

        try:
            if not allowed:
                await self._refuse(scope, receive, send_marked, limit, caller)
            else:
                await self.app(scope, receive, send_marked)
        finally:
            self._account(scope, status, time.perf_counter_ns() - started)

    def _limit_for(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[RateLimitItem, str]:
        address = (scope.get("client") or ("-",))[0]
        if scope["path"].startswith(_SIGN_IN) and scope["method"] == "POST":
            return self._sign_in, f"sign-in {address}"
        return self._general, _account_of(scope, headers) or address

    def _limit_headers(self, limit: RateLimitItem, caller: str) -> list[tuple[bytes, bytes]]:
        window = self._limiter.get_window_stats(limit, caller)
        reset = max(0, int(window.reset_time - time.time()))
        seconds = limit.get_expiry()
        return [
            (b"ratelimit-policy", f'"default";q={limit.amount};w={seconds}'.encode()),
            (b"ratelimit", f'"default";r={max(0, window.remaining)};t={reset}'.encode()),
        ]

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, limit: RateLimitItem, caller: str
    ) -> None:
        window = self._limiter.get_window_stats(limit, caller)
        seconds = max(1, int(window.reset_time - time.time()) + 1)
        response = problem(
            Request(scope),
            TooManyRequests(seconds=seconds),
            status=429,
            headers={"Retry-After": str(seconds)},
        )
        await response(scope, receive, send)

    def _account(self, scope: Scope, status: int, nanoseconds: int) -> None:
        route: Any = scope.get("route")
        template = getattr(route, "path", "unmatched")
        method = scope["method"] if template != "unmatched" else "-"
        REQUESTS.labels(method, template, status).inc()
        DURATION.labels(method, template).observe(nanoseconds / 1e9)
        if self._logging:
            line = {
                "at": read_clock(),
                "request_id": scope["request_id"],
                "method": scope["method"],
                "path": scope["path"],
                "route": template,
                "status": status,
                "microseconds": nanoseconds // 1000,
                "caller": scope.get("state", {}).get("caller"),
            }
            log.info(orjson.dumps(line).decode())


def _account_of(scope: Scope, headers: dict[bytes, bytes]) -> str | None:
    """The account of a good token; a made-up one counts for the address it comes from."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    state = scope["app"].state
    try:
        return str(state.tokens.read(token.strip().decode("latin-1"), now=state.read_clock()).account_id)
    except MarketError:
        return None


def install(app: FastAPI, settings: Settings) -> None:
    """The layer above, and around it the one that answers browsers of other origins, where there are any."""
    app.add_middleware(EdgeMiddleware, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"],
            expose_headers=["ETag", "Link", "X-Request-Id", "Idempotency-Replayed", "Retry-After"],
        )
