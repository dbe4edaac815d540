"""One answer per key: the key, the fingerprint and the answer are stored with the write itself.

An `INSERT … ON CONFLICT DO NOTHING` waits for a twin in flight, then inserts nothing; what the twin
stored is therefore read in a new statement.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.errors import Conflict, Invalid, MarketError


class KeyMissing(Invalid):
    code = "idempotency.key-missing"
    zh = "写操作须携带 Idempotency-Key 请求头（1–200 个可见 ASCII 字符）。"
    en = "A write needs the header Idempotency-Key (1 to 200 visible ASCII characters)."


class KeyReused(Invalid):
    code = "idempotency.key-reused"
    zh = "该 Idempotency-Key 已用于内容不同的请求；请换用新的键。"
    en = "This Idempotency-Key was used for a request with another content; take a new key."


class InFlight(Conflict):
    code = "idempotency.in-flight"
    zh = "携带相同 Idempotency-Key 的请求仍在处理中；请稍后重试。"
    en = "A request with this Idempotency-Key is still in flight; retry in a moment."
    retryable = True


class Replayed(MarketError):
    """Not an error: the answer that this key got the first time."""

    code = "idempotency.replayed"
    zh = "重放已存储的应答。"
    en = "The stored answer again."

    def __init__(self, status: int, body: bytes, etag: str | None) -> None:
        super().__init__()
        self.status = status
        self.body = body
        self.etag = etag


@dataclass(frozen=True)
class Claim:
    """Who asks for which write: `key` is the caller's own, `fingerprint` covers what is asked."""

    ledger_id: int
    caller: str
    key: str
    fingerprint: bytes

    @property
    def place(self) -> dict[str, object]:
        return {"ledger_id": self.ledger_id, "caller": self.caller, "key": self.key}


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 over what is asked."""
    return hashlib.sha256(b"\x00".join((method.encode(), path.encode(), body))).digest()


_CLAIM = text(
    "INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, claimed_at)"
    " VALUES (:ledger_id, :caller, :key, :fingerprint, :now) ON CONFLICT DO NOTHING RETURNING 1"
)
_STORED = text(
    "SELECT fingerprint, status, body, etag FROM idempotency_key"
    " WHERE ledger_id = :ledger_id AND caller = :caller AND key = :key"
)
_SETTLE = text(
    "UPDATE idempotency_key SET status = :status, body = :body, etag = :etag"
    " WHERE ledger_id = :ledger_id AND caller = :caller AND key = :key"
)
LOCK_NOT_AVAILABLE = "55P03"


async def claim(session: AsyncSession, claimed: Claim, *, now: datetime) -> None:
    """Take the key for this transaction. Raises Replayed, KeyReused or InFlight."""
    connection = await session.connection()
    try:
        fresh = await connection.execute(
            _CLAIM, claimed.place | {"fingerprint": claimed.fingerprint, "now": now}
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise InFlight from error
        raise
    if fresh.first() is not None:
        return
    stored = (await connection.execute(_STORED, claimed.place)).first()
    if stored is None or stored.status is None:
        raise InFlight
    if bytes(stored.fingerprint) != claimed.fingerprint:
        raise KeyReused
    raise Replayed(stored.status, bytes(stored.body), stored.etag)


async def settle(session: AsyncSession, claimed: Claim, status: int, body: bytes, etag: str | None) -> None:
    """Keep the answer beside the write, in the same transaction."""
    await session.flush()
    settled = claimed.place | {"status": status, "body": body, "etag": etag}
    await (await session.connection()).execute(_SETTLE, settled)
