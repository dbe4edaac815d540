"""Hears from the database when something that everyone is shown has changed, in whichever process.

PostgreSQL tells a connection of each commit before it takes the connection's next question: what was committed before
a question was asked has been heard when its answer is there. So a question that means nothing proves much.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from datamarket.edge.remembered import Heard
from datamarket.foundation.db import CLOSE_SECONDS, CONNECT_SECONDS, Database

log = logging.getLogger("datamarket.listening")
CHANNEL = "datamarket_shown"
"""What `tell_shown` in foundation/functions.sql tells on."""
ASKED_MILLISECONDS = 300
"""Between two questions: one may be late by half a second, and nothing that is remembered is too old to be given."""
WRITTEN_MILLISECONDS = 20
"""The same while this process writes: who reads meanwhile waits for no answer, and fifty questions a second cost little."""
LONGEST_PAUSE_SECONDS = 10
"""Between two attempts to connect; the first comes after a question's time, each pause is twice the one before."""


@asynccontextmanager
async def listening(database: Database, heard: Heard) -> AsyncIterator[None]:
    """For as long as the block lasts, on a connection of its own; where there is none, nothing waits for it."""
    task = asyncio.create_task(_listen(database, heard))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CLOSE_SECONDS)


async def _listen(database: Database, heard: Heard) -> None:
    pause = first = ASKED_MILLISECONDS / 1000
    while True:
        before = heard.at
        try:
            await _hear(database, heard)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next connection may be better
            log.warning("changes by other processes are not heard: %s: %s", type(error).__name__, error)
        pause = first if heard.at > before else min(2 * pause, LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(pause)


async def _hear(database: Database, heard: Heard) -> None:
    """On one connection until it is lost, which an answer that does not come in time means, too."""

    def changed(*_told: Any) -> None:
        heard.changes += 1

    loop = asyncio.get_running_loop()
    async with database.connection_beside() as connection:
        late = loop.call_later(CONNECT_SECONDS, connection.terminate)
        try:
            await connection.add_listener(CHANNEL, changed)
            heard.changes += 1  # whatever changed while nobody listened
            while True:
                writes, at = database.writes, time.monotonic_ns()
                await connection.execute("SELECT 1")
                late.cancel()
                heard.writes, heard.at = writes, at
                await asyncio.sleep(WRITTEN_MILLISECONDS / 1000)
                await database.await_write(
                    after=writes, milliseconds=ASKED_MILLISECONDS - WRITTEN_MILLISECONDS
                )
                late = loop.call_later(CONNECT_SECONDS, connection.terminate)
        finally:
            late.cancel()
