"""A market of the subsidy desk with one public run, for the pages that show it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from tests.subsidy.conftest import Market, market_on
from tests.world import subsidy


@pytest_asyncio.fixture(scope="module")
async def shown(module_database: Database, settings: Settings) -> AsyncIterator[tuple[Market, str]]:
    made = await market_on(module_database, settings)
    run = await subsidy.publicised(module_database, made.officers)
    yield made, str(run.id)
    for client in made.clients:
        await client.aclose()
