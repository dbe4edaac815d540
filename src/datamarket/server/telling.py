"""Sends to subscriptions and connectors for as long as the process answers; at its end nothing waits for a receiver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datamarket.foundation.db import CLOSE_SECONDS
from datamarket.foundation.waiting.rounds import Rounds


@asynccontextmanager
async def telling(*senders: Rounds) -> AsyncIterator[None]:
    """For as long as the block lasts; what was being sent is sent again by whoever takes it next."""
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
