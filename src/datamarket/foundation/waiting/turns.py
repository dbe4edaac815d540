"""Turns at something that few can have at once: first come, first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns(asyncio.Semaphore):
    """Who waited longest gets the next connection: at the pool's own queue, who comes by takes it first."""

    @asynccontextmanager
    async def within(self, seconds: int) -> AsyncIterator[None]:
        """A turn. Raises TimeoutError when it does not come in time."""
        async with asyncio.timeout(seconds if self.locked() else None):
            await self.acquire()
        try:
            yield
        finally:
            self.release()
