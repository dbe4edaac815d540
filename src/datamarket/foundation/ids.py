"""UUIDv7 (RFC 9562): the time leads, so new rows land together in every index."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from random import Random
from uuid import UUID

_entropy: ContextVar[Random | secrets.SystemRandom] = ContextVar("entropy", default=secrets.SystemRandom())  # noqa: B039 - stateless


def new_id(now: datetime) -> UUID:
    """A fresh id whose first 48 bits are `now` in milliseconds."""
    return _id(_milliseconds(now), _entropy.get().getrandbits(74))


def new_ids(instants: Sequence[datetime]) -> list[UUID]:
    """A fresh id for each instant, from one draw: a thousand draws are a thousand system calls."""
    count = len(instants)
    drawn = _entropy.get().getrandbits(80 * count).to_bytes(10 * count, "big") if count else b""
    stamps = {now: _milliseconds(now) for now in set(instants)}
    return [
        _id(stamps[now], int.from_bytes(drawn[10 * i : 10 * i + 10], "big") >> 6)
        for i, now in enumerate(instants)
    ]


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)


def _id(milliseconds: int, random: int) -> UUID:
    """RFC 9562, 5.7: time, version, twelve random bits, variant, sixty-two random bits."""
    value = (
        (milliseconds & (2**48 - 1)) << 80
        | 0x7 << 76
        | (random >> 62) << 64
        | 0b10 << 62
        | random & (2**62 - 1)
    )
    return UUID(int=value)


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """Inside, ids follow from `seed` alone: the same seed gives the same books. For simulation only."""
    token = _entropy.set(Random(seed))  # noqa: S311 - repeatable on purpose
    try:
        yield
    finally:
        _entropy.reset(token)
