"""How often a user name may be tried, and how many failures are told of. Counted in the memory of each process.

A name is limited only for addresses from which it has not come in before: guessing from elsewhere slows guessing
down, and locks nobody out where they usually sign in, nor anywhere for longer than the guessing and one window.
"""

import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from datamarket.foundation.errors import TooManyRequests
from datamarket.foundation.settings import Settings

KNOWN = parse("1 per 30 day")
"""How long an address is remembered: twice the life of a refresh token, so that a holiday makes nobody a stranger."""
TOLD = parse("60 per minute")
"""Failures that become audit events: enough to see who is attacked, and 30 MB a day at the very most."""


class UsernameBusy(TooManyRequests):
    code = "auth.username-busy"
    zh = "该用户名的登录尝试过多，请在 {seconds} 秒后重试；曾成功登录过的网络地址不受此限。"
    en = "This user name was tried too often; retry in {seconds} second(s). Addresses from which it came in are free."


class Attempts:
    """What was tried by user name and address."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limit = parse(settings.username_limit)

    def begin(self, username: str, address: str) -> None:
        """Counted before the password is compared, so that guesses at once are counted too. Raises UsernameBusy."""
        known = not self._limiter.test(KNOWN, username, address)
        if not known and not self._limiter.hit(self._limit, username):
            reset = self._limiter.get_window_stats(self._limit, username).reset_time
            raise UsernameBusy(seconds=max(1, int(reset - time.time()) + 1))

    def succeed(self, username: str, address: str) -> None:
        self._limiter.hit(KNOWN, username, address)
        self._limiter.clear(self._limit, username)

    def may_be_told(self) -> bool:
        return self._limiter.hit(TOLD, "told")
