"""Asks primary and replica how far they are: what was committed before the one was asked is there once the other has it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from datamarket.edge.remembered import Heard
from datamarket.foundation.db import CLOSE_SECONDS, Database
from datamarket.foundation.replicas.lagging import AsOf, Replica

log = logging.getLogger("datamarket.following")
LAG = Gauge(
    "datamarket_replica_lag_seconds", "How long ago all was committed that the replica is known to have"
)
ASKED_AGAIN = 1 / 10
"""Seconds between two instants that are known; callers who have written wait for the next one at the primary."""
LOOKED_AGAIN = 1 / 50
PAUSE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 10
"""Between two attempts to reach a replica that is gone; each pause is twice the one before."""
_REPLAYED = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
"""One that was promoted has parted from the primary: it never has what was committed since."""


@asynccontextmanager
async def following(replica: Replica | None, primary: Database, heard: Heard) -> AsyncIterator[None]:
    """For as long as the block lasts; without a replica nothing is asked."""
    if replica is None:
        yield
        return
    task = asyncio.create_task(_follow(replica, primary, heard))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CLOSE_SECONDS)
        await replica.database.close()


async def _follow(replica: Replica, primary: Database, heard: Heard) -> None:
    pause, opened = PAUSE_SECONDS, False
    while True:
        began = time.monotonic_ns()
        replica.forget_writes(began)
        try:
            if not opened:
                await replica.database.open()
                opened = True
            await _watch(replica, primary, heard)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next connection may be better
            log.warning("the replica is not followed: %s: %s", type(error).__name__, error)
        replica.lost()
        lasted = time.monotonic_ns() - began > LONGEST_PAUSE_SECONDS * 10**9
        pause = PAUSE_SECONDS if lasted else min(2 * pause, LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(pause)


async def _watch(replica: Replica, primary: Database, heard: Heard) -> None:
    """Until one of the two connections is lost."""
    async with primary.connection_beside() as here, replica.database.connection_beside() as there:
        there.add_termination_listener(replica.lost)
        while True:
            as_of = AsOf(primary.writes, heard.changes, primary.ended, time.monotonic_ns())
            lsn = await here.fetchval("SELECT pg_current_wal_lsn()::text")
            while not await there.fetchval(_REPLAYED, lsn):
                LAG.set((time.monotonic_ns() - (replica.as_of or as_of).at) / 10**9)
                await asyncio.sleep(LOOKED_AGAIN)
            replica.caught_up(as_of)
            LAG.set((time.monotonic_ns() - as_of.at) / 10**9)
            await asyncio.sleep(ASKED_AGAIN)
