"""A market in use: made once, and copied for each test that sends it whatever there is to send."""

from collections.abc import AsyncIterator

import pytest_asyncio

from datamarket.foundation.db import Database
from tests.conftest import made_once, own_database
from tests.world.market import Market, market_in_use


@pytest_asyncio.fixture(scope="session")
async def in_use(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[tuple[str, Market]]:
    """The name of a database that holds a market in use, and what there is in it."""
    async with made_once(server_url, worker_id, "in_use", market_in_use) as made:
        yield made


@pytest_asyncio.fixture
async def used_database(
    server_url: str, worker_id: str, in_use: tuple[str, Market]
) -> AsyncIterator[Database]:
    """A copy of it, of one test's own."""
    async with own_database(server_url, worker_id, in_use[0]) as opened:
        yield opened
