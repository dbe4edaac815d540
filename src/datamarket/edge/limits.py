"""How often one caller may ask: by account, or by address; signing in and refreshing in buckets of their own."""

import time
from dataclasses import dataclass

from fastapi import Request, Response
from limits import parse
from starlette.types import Scope

from datamarket.edge.problems import problem
from datamarket.foundation.errors import MarketError, TooManyRequests
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.settings import Settings

_GUESSED_AT = {f"{API_PREFIX}/auth/token", f"{API_PREFIX}/auth/password"}
_RENEWING = {f"{API_PREFIX}/auth/refresh", f"{API_PREFIX}/auth/revoke"}
CALLERS = 100_000
"""Buckets of one limit that are kept, 20 MB: with more callers at once the oldest bucket is forgotten."""
NANOSECONDS = 10**9


@dataclass(slots=True)
class Bucket:
    """What one caller has taken of a limit since its first request; it `ends` at a nanosecond of the monotonic clock."""

    limit: "Limit"
    ends: int
    taken: int = 0

    @property
    def exceeded(self) -> bool:
        return self.taken > self.limit.amount

    @property
    def seconds(self) -> int:
        """Whole ones, until it ends."""
        return max(0, self.ends - time.monotonic_ns()) // NANOSECONDS

    def headers(self) -> list[tuple[bytes, bytes]]:
        remaining = max(0, self.limit.amount - self.taken)
        return [
            (b"ratelimit-policy", self.limit.policy),
            (b"ratelimit", b'"default";r=%d;t=%d' % (remaining, self.seconds)),
        ]


class Limit:
    """The buckets of one limit, counted in the memory of each process.

    The memory store of the `limits` library starts a thread every hundredth of a second to forget what has ended:
    here each new bucket lets go of two. All last equally long, so that the oldest is the first that ends.
    """

    def __init__(self, notation: str) -> None:
        item = parse(notation)
        self.amount, self._lasts = item.amount, item.get_expiry() * NANOSECONDS
        self.policy = b'"default";q=%d;w=%d' % (self.amount, item.get_expiry())
        self._buckets: dict[str, Bucket] = {}

    def take(self, caller: str) -> Bucket:
        """The bucket of this caller, one request fuller."""
        bucket, now = self._buckets.get(caller), time.monotonic_ns()
        if bucket is None or bucket.ends <= now:
            bucket = self._opened(caller, now)
        bucket.taken += 1
        return bucket

    def _opened(self, caller: str, now: int) -> Bucket:
        self._buckets.pop(caller, None)
        for _ in range(2):
            oldest = next(iter(self._buckets), None)
            if oldest is not None and (len(self._buckets) >= CALLERS or self._buckets[oldest].ends <= now):
                del self._buckets[oldest]
        bucket = self._buckets[caller] = Bucket(self, now + self._lasts)
        return bucket


class RateLimits:
    """The three limits, and for which of them a request counts."""

    def __init__(self, settings: Settings) -> None:
        self._general = Limit(settings.rate_limit)
        self._sign_in = Limit(settings.sign_in_limit)
        self._refresh = Limit(settings.refresh_limit)

    def take(self, scope: Scope, headers: dict[bytes, bytes]) -> Bucket:
        """Count this request; the bucket that it counts in."""
        address = (scope.get("client") or ("-",))[0]
        if scope["method"] == "POST" and scope["path"] in _GUESSED_AT:
            return self._sign_in.take(address)
        if scope["method"] == "POST" and scope["path"] in _RENEWING:
            return self._refresh.take(address)
        return self._general.take(_account_of(scope, headers) or address)


def refusal(scope: Scope, bucket: Bucket) -> Response:
    return problem(Request(scope), TooManyRequests(seconds=bucket.seconds + 1))


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
