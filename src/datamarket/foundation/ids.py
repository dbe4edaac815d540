"""UUIDv7 (RFC 9562): the time leads, so new rows land together in every index."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from random import Random
from uuid import UUID

_entropy: ContextVar[Random | secrets.SystemRandom] = ContextVar("entropy", default=secrets.SystemRandom())  # noqa: B039 - stateless


def new_id(now: datetime) -> UUID:
    """A fresh id whose first 48 bits are `now` in milliseconds."""
    milliseconds = int(now.timestamp() * 1000)
    random = _entropy.get().getrandbits(74)
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
