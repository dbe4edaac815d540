"""Work beside answering: what is due is taken every few seconds, and each piece is a task that holds up no other."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("datamarket.rounds")
EVERY_SECONDS = 2
"""One statement each time; the log that it reads grows every five."""
AT_ONCE = 50
"""Receivers that one process writes to at a time."""


@dataclass
class Rounds(ABC):
    """Takes work as long as it has hands free; work that fails is told, and taken again when its lease has run out."""

    _running: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    @abstractmethod
    async def take(self, most: int) -> Sequence[Coroutine[Any, Any, None]]:
        """Leases at most so many pieces of work for each kind of it."""

    async def run(self) -> None:
        """Round after round until it is cancelled; a round that fails is told, and the next one tries again."""
        try:
            while True:
                try:
                    await self.begin()
                except Exception as error:  # noqa: BLE001 - whatever it is, the next round may succeed
                    log.warning("%s took nothing: %s: %s", type(self).__name__, type(error).__name__, error)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            for task in self._running:
                task.cancel()

    async def begin(self) -> list[asyncio.Task[None]]:
        """Whatever is due is begun, and not waited for."""
        free = AT_ONCE - len(self._running)
        tasks = [asyncio.create_task(self._do(work)) for work in await self.take(free)] if free > 0 else []
        for task in tasks:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return tasks

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the lease runs out, then it is tried again
            log.warning("%s left something undone: %s: %s", type(self).__name__, type(error).__name__, error)
