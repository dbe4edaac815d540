"""Plain connections are handed out in the order in which they were asked for."""

import asyncio

import pytest

from datamarket.foundation.db import Database

READERS, ROUNDS = 8, 12


async def test_each_of_many_readers_has_its_turn_before_any_has_a_second(database_url: str) -> None:
    database = await Database(database_url, 2).open()
    async with database.connection(), database.connection():
        waits: list[int] = []  # both are open by now: to open one takes longer than a few turns
    served = 0

    async def read() -> None:
        nonlocal served
        for _ in range(ROUNDS):
            before = served
            async with database.connection() as connection:
                waits.append(served - before)
                served += 1
                await connection.fetchval("SELECT 1")

    await asyncio.gather(*(read() for _ in range(READERS)))
    await database.close()
    assert len(waits) == READERS * ROUNDS
    assert max(waits) <= READERS


async def test_a_turn_that_does_not_come_is_not_waited_for_and_none_is_lost(database_url: str) -> None:
    database = await Database(database_url, 1).open()
    async with database.connection():
        with pytest.raises(TimeoutError):
            async with database.within(1).connection():
                raise AssertionError
    async with database.within(1).connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await database.close()
