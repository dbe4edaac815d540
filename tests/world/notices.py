"""A sealed feed, read by somebody."""

from pathlib import Path
from typing import Any

from datamarket.auth.terms import Actor
from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database, PageAsked
from datamarket.notices.events.queries import read_feed
from datamarket.notices.events.terms import FeedPage
from tests.world.people import moment
from tests.world.sealing import sealer_in
from tests.world.trading import LEDGER_ID


async def seal(database: Database, folder: Path) -> None:
    """All that is committed is in the log."""
    await await_watermark(database)
    while await sealer_in(folder).seal(database, now=moment()):
        pass


async def feed(database: Database, by: Actor, after: int | None = None, limit: int = 100) -> FeedPage:
    """What somebody may know of what stands behind a position."""
    async with database.connection() as connection:
        page = PageAsked(limit, after)
        return await read_feed(connection, LEDGER_ID, visible_to=by, types=(), page=page)


def types_of(answer: Any) -> list[str]:
    """Of what `/events` answered."""
    return [item["type"] for item in answer.json()["items"]]
