"""A market in use: made once, and copied for each test that sends it whatever there is to send."""

from collections.abc import AsyncIterator

import pytest_asyncio

from datamarket.foundation.db import Database
from datamarket.migrations.apply import drop_database
from tests.conftest import copied, empty_of, own_database
from tests.world.market import Market, market_in_use


@pytest_asyncio.fixture(scope="session")
async def in_use(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[tuple[str, Market]]:
    """The name of a database that holds a market in use, and what there is in it."""
    name = f"datamarket_in_use_{worker_id}"
    making = await Database(await copied(server_url, empty_of(worker_id), name), 8).open()
    market = await market_in_use(making)
    await making.close()
    yield name, market
    await drop_database(server_url, name)


@pytest_asyncio.fixture
async def used_database(
    server_url: str, worker_id: str, in_use: tuple[str, Market]
) -> AsyncIterator[Database]:
    """A copy of it, of one test's own."""
    async with own_database(server_url, worker_id, in_use[0]) as opened:
        yield opened
