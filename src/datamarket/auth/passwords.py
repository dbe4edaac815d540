"""Passwords: argon2id, made and compared beside the event loop."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import StringConstraints

from datamarket.foundation.waiting.crowds import Crowd

Password = Annotated[str, StringConstraints(min_length=12, max_length=200, pattern=r"^[^\x00]*$")]
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's minimum for argon2id
_hash_of_nobody = _hasher.hash(secrets.token_urlsafe())
_workers = ThreadPoolExecutor(2, "argon2")  # some 20 ms and 19 MiB each: two leave room for those who are in
_crowd = Crowd(10)  # two at work and eight behind them: who is taken waits five times as long as alone


async def hash_of(password: str) -> str:
    """Raises Crowded."""
    with _crowd.entered():
        return await asyncio.get_running_loop().run_in_executor(_workers, _hasher.hash, password)


async def is_right(password_hash: str | None, password: str) -> bool:
    """None is nobody's: never right, in the same time. Raises Crowded."""
    with _crowd.entered():
        return await asyncio.get_running_loop().run_in_executor(_workers, _compare, password_hash, password)


def _compare(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _hash_of_nobody, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def random_password() -> str:
    """For somebody to be told once; kept nowhere."""
    return secrets.token_urlsafe(16)
