"""UUIDv7 (RFC 9562): the time leads, so new rows land together in every index."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from random import Random
from struct import Struct
from uuid import UUID

from asyncpg.pgproto import pgproto

_entropy: ContextVar[Random | secrets.SystemRandom] = ContextVar("entropy", default=secrets.SystemRandom())  # noqa: B039 - stateless
_TEN_BYTES, _TWO_HALVES = Struct(">HQ"), Struct(">QQ")


def new_id(now: datetime) -> UUID:
    """A fresh id whose first 48 bits are `now` in milliseconds."""
    [fresh] = _sixteen_bytes([now], _entropy.get().getrandbits(74) << 6)
    return UUID(bytes=fresh)


def new_ids(instants: Sequence[datetime]) -> list[UUID]:
    """A fresh id for each instant, from one draw: a thousand draws are a thousand system calls.

    They are of the driver's own class, a subclass: a fifth of the time to make, to write out and to send.
    """
    drawn = _entropy.get().getrandbits(80 * len(instants)) if instants else 0
    return [pgproto.UUID(fresh) for fresh in _sixteen_bytes(instants, drawn)]


def lowest_id(at: datetime) -> UUID:
    """No id of this instant, or of a later one, is below it."""
    [lowest] = _sixteen_bytes([at], 0)
    return UUID(bytes=lowest)


def _sixteen_bytes(instants: Sequence[datetime], drawn: int) -> Iterator[bytes]:
    """RFC 9562, 5.7: time, version, twelve random bits, variant, sixty-two random bits: of eighty, the first 74."""
    leads = {now: (int(now.timestamp() * 1000) & (2**48 - 1)) << 16 | 0x7000 for now in set(instants)}
    randoms = _TEN_BYTES.iter_unpack(drawn.to_bytes(10 * len(instants), "big"))
    for now, (high, low) in zip(instants, randoms, strict=True):
        yield _TWO_HALVES.pack(leads[now] | high >> 4, 0b10 << 62 | (high & 0xF) << 58 | low >> 6)


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """Inside, ids follow from `seed` alone: the same seed gives the same books. For simulation only."""
    token = _entropy.set(Random(seed))  # noqa: S311 - repeatable on purpose
    try:
        yield
    finally:
        _entropy.reset(token)
