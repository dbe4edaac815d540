"""P9: sealing what is not sealed yet, and verifying all of it; entries per second, and what it takes of a core.

Both work on a database that holds unsealed entries already; the bench says how they came there.
"""

import os
import resource
import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # it brings no types

from datamarket.evidence.log.sealing import Sealer
from datamarket.evidence.log.verification import Log, one_snapshot, verify
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database, owner_connection


@dataclass(frozen=True)
class Rate:
    """Leaves in so many seconds, and processor time of this process and of the server's processes for us."""

    leaves: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.leaves / self.seconds if self.seconds else 0.0

    @property
    def cpu_microseconds_a_leaf(self) -> float:
        return self.cpu_seconds * 1e6 / self.leaves if self.leaves else 0.0


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_seconds(pids: list[int]) -> float:
    """Processor time of server processes on this machine; none when the server is elsewhere."""
    total = 0.0
    for pid in pids:
        if psutil.pid_exists(pid):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


async def seal(database: Database, sealer: Sealer) -> Rate:
    """Pass after pass until nothing is left. The database should have one connection: its time is counted."""
    async with database.connection() as connection:
        pids = [await connection.fetchval("SELECT pg_backend_pid()")]
    leaves, begun, cpu = 0, time.perf_counter(), _own_seconds() + _server_seconds(pids)
    while added := await sealer.seal(database, now=read_clock()):
        leaves += added
    seconds = time.perf_counter() - begun
    return Rate(leaves, seconds, _own_seconds() + _server_seconds(pids) - cpu)


async def verify_all(url: str, sealer: Sealer, *, connections: int | None = None) -> Rate:
    """The whole log against its rows and the checkpoints outside. Raises LogBroken when something is false."""
    async with owner_connection(url) as connection:
        notes = await sealer.kept_outside(connection)
    log = Log(sealer.ledger_id, sealer.sources, sealer.notary.reader)
    async with one_snapshot(url, connections or min(2, os.cpu_count() or 1)) as opened:
        pids = [await connection.fetchval("SELECT pg_backend_pid()") for connection in opened]
        begun, cpu = time.perf_counter(), _own_seconds() + _server_seconds(pids)
        report = await verify(opened, log, notes)
        seconds = time.perf_counter() - begun
        cpu = _own_seconds() + _server_seconds(pids) - cpu
    if not report.holds:
        raise LogBroken(report.findings[0].name)
    return Rate(report.leaves, seconds, cpu)


class LogBroken(Exception):
    """What is measured must hold."""
