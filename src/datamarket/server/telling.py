"""Sends to subscriptions for as long as the process answers; at its end nothing waits for a receiver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datamarket.foundation.db import CLOSE_SECONDS
from datamarket.notices.subscriptions.sending import Sender


@asynccontextmanager
async def telling(sender: Sender) -> AsyncIterator[None]:
    """For as long as the block lasts; what was being sent is sent again by whoever takes it next."""
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CLOSE_SECONDS)
