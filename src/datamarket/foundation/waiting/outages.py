"""Outages of the database: what is one, what its callers are told, and who may still ask while it lasts."""

import time

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from datamarket.foundation.errors import Unavailable

FAILURES = 3
"""One lost connection may be an accident; three in a row, with no answer between them, are an outage."""
RETRY_MILLISECONDS = 500
"""How often an open circuit lets one caller through: short beside two seconds, in which all is as before."""
OUTAGES = ("08", "25006", "53", "57P", "58")
"""SQLSTATEs: connection, read-only server, insufficient resources, shutdown, system error."""


class DatabaseUnavailable(Unavailable):
    code = "database.unavailable"
    zh = "数据库暂时不可用，本次请求未产生任何变更；请携带相同的 Idempotency-Key 重试。"
    en = "The database is not available just now; nothing was changed. Retry with the same Idempotency-Key."


class OutcomeUnknown(Unavailable):
    code = "database.outcome-unknown"
    zh = "提交时与数据库失去联系，本次请求是否生效尚不确定；请携带相同的 Idempotency-Key 重试，不会重复生效。"
    en = (
        "The database fell silent at the commit: whether this request took effect is not known."
        " Retry with the same Idempotency-Key; it takes effect once."
    )


class Circuit:
    """Opens after FAILURES blocks in a row that lost their connection; then lets one through at a time."""

    def __init__(self) -> None:
        self._failures = 0
        self._retry_at = time.monotonic()

    def check(self) -> None:
        """Raises DatabaseUnavailable at once while the circuit is open and no probe is due."""
        if self._failures >= FAILURES and time.monotonic() < self._retry_at:
            raise DatabaseUnavailable

    def admit(self, seconds: int) -> None:
        """The same, and who is let through is the probe: the only one for longer than it may take."""
        if self._failures >= FAILURES:
            self.check()
            self._retry_at = time.monotonic() + seconds + 1

    def hear(self, *, lost: bool) -> None:
        """How a block ended."""
        if lost:
            self._retry_at = time.monotonic() + RETRY_MILLISECONDS / 1000
        self._failures = self._failures + 1 if lost else 0


def is_outage(error: BaseException) -> bool:
    """Whether the server is away, going, full or not taking writes: no fault of what was asked of it."""
    cause = cause_of(error)
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(OUTAGES)
    return isinstance(
        cause, OSError | PoolTimeout | asyncpg.InterfaceError | DatabaseUnavailable | OutcomeUnknown
    )


def cause_of(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's wrappers."""
    seen = error
    while True:
        inner = getattr(seen, "orig", None) or (
            seen.__cause__ if isinstance(seen, DBAPIError) or "sqlalchemy" in type(seen).__module__ else None
        )
        if inner is None:
            return seen
        seen = inner
