"""The market with a death wish: each worker ends itself with -9 at a chosen point of its work. For the harness only.

A worker draws, from the seed and the number of its life, where it will die and how long it lives before that;
from then on the first passage of that point is its last. Its death is in a file before it happens.
"""

import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

import orjson
from fastapi import FastAPI
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamarket.foundation.db import Database, PoolConnection
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app

PLAN = "FAULTS_PLAN"
"""Environment: a file with the seed; deaths and lives are appended to its neighbours."""
SHORTEST_LIFE, LONGEST_LIFE = 0.1, 1.5


class Point(StrEnum):
    """Where a worker dies."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    BEFORE_ANSWER = "before the answer"


class Fate:
    """Where and when this worker ends; it is only ever asked by the worker itself."""

    def __init__(self, plan: Path) -> None:
        self._deaths = plan.with_suffix(".deaths")
        self._lives = plan.with_suffix(".lives")
        self._plan = plan
        self._point: Point | None = None
        self._due = 0.0

    def _begin(self) -> None:
        """A life begins with its first work, however long the worker took to come up."""
        _append(self._lives, str(os.getpid()))
        life = len(self._lives.read_text().splitlines())
        chance = random.Random(f"{self._plan.read_text()}/{life}")
        self._point = list(Point)[life % len(Point)]
        self._due = time.monotonic() + chance.uniform(SHORTEST_LIFE, LONGEST_LIFE)

    def pass_by(self, point: Point) -> None:
        """Go on, or die here."""
        if self._point is None:
            self._begin()
        if point is self._point and time.monotonic() >= self._due:
            _append(self._deaths, point)
            os.kill(os.getpid(), signal.SIGKILL)


class FaultyDatabase(Database):
    """The same database, with two places to die around each commit."""

    def __init__(self, url: str, pool_size: int, fate: Fate) -> None:
        super().__init__(url, pool_size)
        self._fate = fate

    @asynccontextmanager
    async def transaction(self, *, reading: bool = False) -> AsyncIterator[AsyncSession]:
        async with super().transaction(reading=reading) as session:
            yield session
            await session.flush()
            self._fate.pass_by(Point.BEFORE_COMMIT)
        self._fate.pass_by(Point.AFTER_COMMIT)

    @asynccontextmanager
    async def plain_transaction(self) -> AsyncIterator[PoolConnection]:
        async with super().plain_transaction() as connection:
            yield connection
            self._fate.pass_by(Point.BEFORE_COMMIT)
        self._fate.pass_by(Point.AFTER_COMMIT)

    @asynccontextmanager
    async def committing(self, connection: PoolConnection) -> AsyncIterator[None]:
        self._fate.pass_by(Point.BEFORE_COMMIT)
        async with super().committing(connection):
            yield
        self._fate.pass_by(Point.AFTER_COMMIT)


class MuteEdge:
    """Dies with the answer in its hand."""

    def __init__(self, app: ASGIApp, fate: Fate) -> None:
        self._app = app
        self._fate = fate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_die(message: Message) -> None:
            if scope["type"] == "http" and message["type"] == "http.response.start":
                self._fate.pass_by(Point.BEFORE_ANSWER)
            await send(message)

        await self._app(scope, receive, send_or_die)


def create() -> FastAPI:
    """What each worker of the experiment runs."""
    settings = Settings()
    fate = Fate(Path(os.environ[PLAN]))
    app = create_app(settings, FaultyDatabase(settings.database_url, settings.pool_size, fate))
    app.add_middleware(MuteEdge, fate=fate)
    return app


def deaths(plan: Path) -> dict[str, int]:
    """How many died where."""
    file = plan.with_suffix(".deaths")
    told = file.read_text().splitlines() if file.exists() else []
    return {str(point): told.count(point) for point in Point}


def at_work(plan: Path) -> set[int]:
    """The processes that have begun to work; some are dead by now."""
    file = plan.with_suffix(".lives")
    return {int(line) for line in file.read_text().splitlines()} if file.exists() else set()


def _append(path: Path, line: str) -> None:
    """One write of one line: it survives its writer."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def draw_plan(folder: Path, seed: int) -> Path:
    """A fresh plan for one experiment."""
    plan = folder / "plan.seed"
    plan.write_bytes(orjson.dumps(seed))
    return plan
