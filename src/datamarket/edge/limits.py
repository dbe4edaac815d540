"""How often one caller may ask: by account, or by address; signing in and refreshing in buckets of their own."""

import time

from fastapi import Request, Response
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.types import Scope

from datamarket.edge.problems import problem
from datamarket.foundation.errors import MarketError, TooManyRequests
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.settings import Settings

_GUESSED_AT = {f"{API_PREFIX}/auth/token", f"{API_PREFIX}/auth/password"}
_RENEWING = {f"{API_PREFIX}/auth/refresh", f"{API_PREFIX}/auth/revoke"}
Bucket = tuple[RateLimitItem, str]


class RateLimits:
    """Counted in the memory of each process."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._general = parse(settings.rate_limit)
        self._sign_in = parse(settings.sign_in_limit)
        self._refresh = parse(settings.refresh_limit)

    def bucket(self, scope: Scope, headers: dict[bytes, bytes]) -> Bucket:
        """Which limit this request counts for, and whose."""
        address = (scope.get("client") or ("-",))[0]
        if scope["method"] == "POST" and scope["path"] in _GUESSED_AT:
            return self._sign_in, f"sign-in {address}"
        if scope["method"] == "POST" and scope["path"] in _RENEWING:
            return self._refresh, f"refresh {address}"
        return self._general, _account_of(scope, headers) or address

    def take(self, bucket: Bucket) -> bool:
        return self._limiter.hit(*bucket)

    def headers(self, bucket: Bucket) -> list[tuple[bytes, bytes]]:
        window = self._limiter.get_window_stats(*bucket)
        limit, reset = bucket[0], max(0, int(window.reset_time - time.time()))
        return [
            (b"ratelimit-policy", f'"default";q={limit.amount};w={limit.get_expiry()}'.encode()),
            (b"ratelimit", f'"default";r={max(0, window.remaining)};t={reset}'.encode()),
        ]

    def refusal(self, scope: Scope, bucket: Bucket) -> Response:
        window = self._limiter.get_window_stats(*bucket)
        return problem(
            Request(scope), TooManyRequests(seconds=max(1, int(window.reset_time - time.time()) + 1))
        )


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
