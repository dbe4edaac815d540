"""One answer per key: the key, the fingerprint and the answer are stored with the write itself.

An `INSERT … ON CONFLICT DO NOTHING` waits for a twin in flight, then inserts nothing; what the twin
stored is therefore read in a new statement.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from datamarket.foundation.db import Connection
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


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 over what is asked."""
    return hashlib.sha256(b"\x00".join((method.encode(), path.encode(), body))).digest()


_CLAIM = (
    "INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, claimed_at)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1"
)
_STORED = "SELECT fingerprint, status, body, etag FROM idempotency_key WHERE ledger_id = $1 AND caller = $2 AND key = $3"
_SETTLE = "UPDATE idempotency_key SET status = $4, body = $5, etag = $6 WHERE ledger_id = $1 AND caller = $2 AND key = $3"
LOCK_NOT_AVAILABLE = "55P03"


async def claim(connection: Connection, claimed: Claim, *, now: datetime) -> None:
    """Take the key for this transaction. Raises Replayed, KeyReused or InFlight."""
    place = (claimed.ledger_id, claimed.caller, claimed.key)
    try:
        fresh = await connection.fetchval(_CLAIM, *place, claimed.fingerprint, now)
    except asyncpg.LockNotAvailableError:
        raise InFlight from None
    if fresh is not None:
        return
    stored = await connection.fetchrow(_STORED, *place)
    if stored is None or stored["status"] is None:
        raise InFlight
    if stored["fingerprint"] != claimed.fingerprint:
        raise KeyReused
    raise Replayed(stored["status"], stored["body"], stored["etag"])


async def settle(connection: Connection, claimed: Claim, status: int, body: bytes, etag: str | None) -> None:
    """Keep the answer beside the write, in the same transaction."""
    await connection.execute(_SETTLE, claimed.ledger_id, claimed.caller, claimed.key, status, body, etag)
