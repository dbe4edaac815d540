"""One answer per key: the key, the fingerprint and the answer are stored with the write itself.

Keys are claimed, settled and given back by set; a single request is a batch of one. An
`INSERT … ON CONFLICT DO NOTHING` waits for a twin in flight, then inserts nothing; what the twin
stored is therefore read in a new statement.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from datamarket.foundation.db import Connection
from datamarket.foundation.errors import KNOWN_ERRORS, Conflict, Invalid, MarketError


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


@dataclass(frozen=True)
class Answer:
    """What a caller gets, and its key keeps; `replayed` when it was stored before."""

    status: int
    body: bytes
    etag: str | None
    replayed: bool = False


class Replayed(MarketError):
    """Not an error: the answer that this key got the first time."""

    code = "idempotency.replayed"
    zh = "重放已存储的应答。"
    en = "The stored answer again."

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Claim:
    """Who asks for which write: `key` is the caller's own, `fingerprint` covers what is asked."""

    ledger_id: int
    caller: str
    key: str
    fingerprint: bytes

    @property
    def id(self) -> tuple[str, str]:
        """Under what its answer is kept, within the market."""
        return self.caller, self.key


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 over what is asked."""
    return hashlib.sha256(b"\x00".join((method.encode(), path.encode(), body))).digest()


_CLAIM = """
INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, claimed_at)
SELECT $1, caller, key, fingerprint, $5 FROM unnest($2::text[], $3::text[], $4::bytea[]) AS c (caller, key, fingerprint)
 WHERE caller <> ALL (ARRAY(SELECT b.caller FROM barred_callers($6::text[], $7) AS b))
    ON CONFLICT DO NOTHING RETURNING caller, key
"""
_BARRED = "SELECT caller, code, name_zh, name_en, state FROM barred_callers($1::text[], $2)"
_STORED = """
SELECT caller, key, fingerprint, status, body, etag FROM idempotency_key
 WHERE ledger_id = $1 AND (caller, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""
_SETTLE = """
INSERT INTO idempotency_key AS k (ledger_id, caller, key, fingerprint, claimed_at, status, body, etag)
SELECT $1, s.caller, s.key, s.fingerprint, 'epoch', s.status, s.body, s.etag
  FROM unnest($2::text[], $3::text[], $4::bytea[], $5::int[], $6::bytea[], $7::text[])
       AS s (caller, key, fingerprint, status, body, etag)
    ON CONFLICT (ledger_id, caller, key) DO UPDATE SET status = excluded.status, body = excluded.body, etag = excluded.etag
"""
"""Each is there already: a conflict finds it by its key. A join would be planned once, for the empty table of the first day."""
_KEEP = """
INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, claimed_at, status, body, etag)
SELECT $1, s.caller, s.key,
       CASE WHEN s.caller <> ALL (ARRAY(SELECT b.caller FROM barred_callers($8::text[], false) AS b)) THEN s.fingerprint END,
       $9, s.status, s.body, s.etag
  FROM unnest($2::text[], $3::text[], $4::bytea[], $5::int[], $6::bytea[], $7::text[])
       AS s (caller, key, fingerprint, status, body, etag)
"""
_GIVE_BACK = """
DELETE FROM idempotency_key
 WHERE ledger_id = $1 AND (caller, key) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""


async def claim_all(
    connection: Connection, claims: Sequence[Claim], *, now: datetime, settling: bool = False
) -> dict[Claim, Answer | MarketError]:
    """Take every new key for this transaction; any other claim gets what its key keeps, KeyReused or InFlight.

    The claims are of one market. Where two ask for different things under one new key, the first takes it.
    A caller who may not write now gets what `barred_callers` says, for a key of before too.
    """
    first: dict[tuple[str, str], Claim] = {}
    for claimed in claims:
        first.setdefault(claimed.id, claimed)
    ordered = [first[key] for key in sorted(first)]
    fingerprints = [claimed.fingerprint for claimed in ordered]
    callers = list({claimed.caller for claimed in ordered})
    rows = await connection.fetch(_CLAIM, *_ids(ordered), fingerprints, now, callers, settling)
    taken = {(row["caller"], row["key"]) for row in rows}
    answers: dict[Claim, Answer | MarketError] = {
        claimed: KeyReused() for claimed in claims if claimed.id in taken and claimed != first[claimed.id]
    }
    known = [claimed for claimed in claims if claimed.id not in taken]
    if known:
        stored = {(row["caller"], row["key"]): row for row in await connection.fetch(_STORED, *_ids(known))}
        barred = {row["caller"]: row for row in await connection.fetch(_BARRED, callers, settling)}
        for claimed in known:
            bar = barred.get(claimed.caller)
            answers[claimed] = _bar(bar) if bar else _kept(claimed, stored.get(claimed.id))
    return answers


def _ids(claims: Collection[Claim]) -> tuple[int, list[str], list[str]]:
    """The market, and callers and keys as arrays."""
    [ledger_id] = {claimed.ledger_id for claimed in claims}
    return ledger_id, [claimed.caller for claimed in claims], [claimed.key for claimed in claims]


def _kept(claimed: Claim, stored: "asyncpg.Record | None") -> Answer | MarketError:
    """What a key that is not new has for this claim."""
    if stored is None or stored["status"] is None:
        return InFlight()
    if stored["fingerprint"] != claimed.fingerprint:
        return KeyReused()
    return Answer(stored["status"], stored["body"], stored["etag"], replayed=True)


async def settle_all(connection: Connection, answers: Mapping[Claim, Answer]) -> None:
    """Keep each answer beside its write, in the same transaction."""
    if answers:
        kept = answers.values()
        await connection.execute(
            _SETTLE,
            *_ids(answers),
            [claimed.fingerprint for claimed in answers],
            [answer.status for answer in kept],
            [answer.body for answer in kept],
            [answer.etag for answer in kept],
        )


def keeping(answers: Mapping[Claim, Answer], *, now: datetime) -> tuple[str, tuple[Any, ...]]:
    """The statement that claims and settles new keys in one, and its arguments: to be asked with other writes.

    A key that is there already breaks `idempotency_key_pkey`; a caller who may not write has no fingerprint, which is
    refused too. Whoever asks then claims each key as usual, and hears why. Keys are in order: no two wait for each other.
    """
    ordered = sorted(answers, key=lambda claimed: claimed.id)
    kept = [answers[claimed] for claimed in ordered]
    arguments = (
        *_ids(ordered),
        [claimed.fingerprint for claimed in ordered],
        [answer.status for answer in kept],
        [answer.body for answer in kept],
        [answer.etag for answer in kept],
        list({claimed.caller for claimed in ordered}),
        now,
    )
    return _KEEP, arguments


async def give_back(connection: Connection, claims: Collection[Claim]) -> None:
    """Free the keys of what was refused while its neighbours go on: they may be used again."""
    if claims:
        await connection.execute(_GIVE_BACK, *_ids(claims))


def _bar(row: "asyncpg.Record") -> MarketError:
    facts = {name: row[name] for name in ("name_zh", "name_en", "state")}
    return KNOWN_ERRORS[row["code"]](**facts)


async def check_caller(connection: Connection, caller: str) -> None:
    """For what takes no key, and is acted on: raises what the claim of one would."""
    for row in await connection.fetch(_BARRED, [caller], False):
        raise _bar(row)


async def claim(connection: Connection, claimed: Claim, *, now: datetime, settling: bool = False) -> None:
    """Take one key for this transaction. Raises Replayed, KeyReused, InFlight, or why the caller may not write."""
    try:
        answers = await claim_all(connection, [claimed], now=now, settling=settling)
    except asyncpg.LockNotAvailableError:
        raise InFlight from None
    match answers.get(claimed):
        case Answer() as answer:
            raise Replayed(answer)
        case MarketError() as refusal:
            raise refusal
