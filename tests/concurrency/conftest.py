"""After every race the books must hold."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.world.books import assert_books_hold


@pytest_asyncio.fixture(autouse=True)
async def books_hold(database_url: str) -> AsyncIterator[None]:
    yield
    await assert_books_hold(database_url)
