"""What a request takes of the processors, of the server and of its database: the figure that a busy machine changes least."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]  # it brings no types


@dataclass(frozen=True)
class Taken:
    """Processor time so far, user and system, in seconds."""

    server: float
    database: float

    def since(self, before: Self) -> "Taken":
        return Taken(self.server - before.server, self.database - before.database)


class Meter:
    """Reads one server, given by the port it listens on, and one PostgreSQL, given by its data folder."""

    def __init__(self, postgres: Path, port: int | None = None) -> None:
        postmaster = int((postgres / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        self._database = psutil.Process(postmaster)
        self.server = None if port is None else listener(port)

    def read(self) -> Taken:
        return Taken(whole(self.server) if self.server else 0, whole(self._database))


def listener(port: int) -> psutil.Process:
    """Who listens on the port; with several workers, who started them."""
    holders = [
        psutil.Process(held.pid)
        for held in psutil.net_connections("tcp4")
        if held.status == psutil.CONN_LISTEN and held.laddr.port == port and held.pid
    ]
    return min(holders, key=psutil.Process.create_time)


def whole(process: psutil.Process) -> float:
    """Of it and of all that it started: those that live, and by its own account those that have ended."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            total += sum(each.cpu_times()[:4])  # user, system, and the same of children that ended
        except psutil.NoSuchProcess:
            continue
    return total


def memory_mib(server: psutil.Process) -> float:
    """Resident, of the largest process of a server."""
    largest: int = max(each.memory_info().rss for each in (server, *server.children(recursive=True)))
    return largest / 2**20
