"""The servers that a URL names: each is asked in turn for its share of the time, until one takes writes."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from datamarket.foundation.inputs.texts import ValueFault

DIALECT = "postgresql+asyncpg://"
"""For SQLAlchemy, without an address: what a URL means is decided here alone."""
WRITERS = SessionAttribute.read_write, SessionAttribute.primary
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^,:\[\]]+)(?::(\d{1,5}))?")
FORM = (
    "DATABASE_URL 应形如 postgresql://用户:密码@主机:5432/库名",
    "write postgresql://user:password@host:5432/name",
)
_HOSTS = (
    "多台主机应写作 主机1:5432,主机2:5432，或 ?host=主机1,主机2&port=5432,5432（端口一个，或与主机同数），主机不得为空",
    "write several hosts as h1:5432,h2:5432 or ?host=h1,h2&port=5432,5432 (one port, or as many as hosts), none empty",
)
_TARGET = (
    "target_session_attrs 应为 read-write 或 primary；仅一台主机时也可为 any",
    "target_session_attrs is read-write or primary, or, for one host alone, any",
)
_SSL_MODE = f"sslmode 应为 {'、'.join(SSL_MODES)} 之一", f"sslmode is one of {', '.join(SSL_MODES)}"
_HOPEFUL = asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched
_ELSEWHERE = *_HOPEFUL, asyncpg.PostgresError, OSError
"""What one server says, or does not say, while another may serve: a standby that lags may not know the role yet."""


class NoneTakesWrites(ConnectionError):
    """Servers answered, and none takes writes: one of them may be about to."""


@dataclass
class Servers:
    """Those of one URL; who served last is asked first, so that a silent one is not waited for again and again."""

    url: str
    places: tuple[tuple[str | None, int | None], ...]
    """Host and port; the driver has a default for what is not given."""
    target: SessionAttribute
    last: int = 0

    @classmethod
    def of(cls, url: str) -> "Servers":
        """As libpq reads it; of several servers one that takes writes is meant. Raises ValueFault."""
        try:
            parts = urlsplit(url)
            query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError:
            raise ValueFault(*FORM) from None
        if parts.scheme != "postgresql":  # the one that all who read it know
            raise ValueFault(*FORM)
        places = _places(parts.netloc.rpartition("@")[2], query)
        default = SessionAttribute.any if len(places) == 1 else WRITERS[0]
        target = query.get("target_session_attrs", default)
        if target not in {default, *WRITERS}:
            raise ValueFault(*_TARGET)
        if query.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
            raise ValueFault(*_SSL_MODE)
        return cls(url, places, SessionAttribute(target))

    async def connect(self, *, seconds: int, **how: Any) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection, within so many seconds in all. Raises NoneTakesWrites, OSError and what PostgreSQL says.

        That a server starts, or may be about to take writes, is told rather than that another is away.
        """
        refusals: list[Exception] = []
        for number in sorted(range(len(self.places)), key=lambda number: number != self.last):
            host, port = self.places[number]
            share = seconds / len(self.places)
            try:
                found: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                    self.url, host=host, port=port, target_session_attrs=self.target, timeout=share, **how
                )
            except _ELSEWHERE as refusal:
                refusals.append(refusal)
            else:
                self.last = number
                return found
        told = next((refusal for refusal in refusals if isinstance(refusal, _HOPEFUL)), refusals[-1])
        if isinstance(told, asyncpg.TargetServerAttributeNotMatched):
            raise NoneTakesWrites from told
        raise told


def _places(listed: str, query: dict[str, str]) -> tuple[tuple[str | None, int | None], ...]:
    """Hosts stand before the path or in the query, each with its port; or the query has one port, or as many as hosts."""
    hosts, ports = listed or query.get("host", ""), query.get("port", "")
    if not hosts:
        return ((None, None),)
    fault = ValueFault(*(_HOSTS if "," in hosts + ports else FORM))
    if listed and "host" in query:
        raise fault
    found = [match for one in hosts.split(",") if (match := _HOST.fullmatch(one))]
    own = [match[2] for match in found]
    given = ports.split(",") if ports else own
    given = given * len(own) if len(given) == 1 else given
    if not len(found) == len(given) == hosts.count(",") + 1 or (ports and any(own)):
        raise fault
    if not all(port is None or (port.isdecimal() and 0 < int(port) < 1 << 16) for port in given):
        raise fault
    names = [match[1].strip("[]") for match in found]
    return tuple(
        (unquote(name) if listed else name, int(port) if port else None)
        for name, port in zip(names, given, strict=True)
    )
