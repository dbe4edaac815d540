"""Which database a command works in; a demo rebuilds what a demo made, and nothing else."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.server.database import MarketDatabase, NotADemo, opened_database, rebuilt_database
from datamarket.server.sealing import seal_all
from tests.conftest import OLDEST, server_told
from tests.world.participants import admitted
from tests.world.people import moment


@pytest.fixture
def own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of this test's own, on its embedded server."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATAMARKET_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


def rebuild() -> str:
    with rebuilt_database() as market:
        return market.url


async def _inhabit(url: str) -> None:
    database = Database(url, 1)
    async with database.transaction() as session:
        await admitted(session)
    await database.close()


def inhabit() -> None:
    """A market of the user's own: somebody has registered."""
    with opened_database() as market:
        asyncio.run(_inhabit(market.url))


def inhabit_sealed() -> None:
    with opened_database() as market:
        asyncio.run(_inhabit(market.url))
        asyncio.run(_seal(market))


async def _seal(market: MarketDatabase) -> None:
    database = await Database(market.url, 1).open()
    await seal_all(database, market.settings, moment)
    await database.close()


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM participant"))
    finally:
        await connection.close()


def inhabitants() -> int:
    with opened_database() as market:
        return asyncio.run(_count(market.url))


async def test_a_demo_replaces_an_empty_market_and_its_own_and_leaves_any_other_alone(own_var: Path) -> None:
    def story() -> None:
        assert inhabitants() == 0  # `serve` came first: an empty market
        rebuild()
        inhabit()  # who uses the demo's market knows that it is the demo's
        rebuild()
        assert inhabitants() == 0

    await asyncio.to_thread(story)
    assert (own_var / "postgres" / "PG_VERSION").read_text().strip() == "18"


async def test_a_demo_that_is_made_anew_takes_its_own_checkpoints_along_and_no_others(own_var: Path) -> None:
    kept = own_var / "checkpoints" / "370200"
    strange = [kept / "1.txt", kept / "1-real" / "1.txt"]

    def story() -> None:
        rebuild()
        inhabit_sealed()
        [own] = kept.iterdir()
        for path in strange:
            path.parent.mkdir(exist_ok=True)
            path.touch()
        rebuild()
        assert not own.exists()

    await asyncio.to_thread(story)
    assert all(path.exists() for path in strange)


async def test_a_market_that_no_demo_made_is_never_dropped(own_var: Path) -> None:
    def story() -> None:
        inhabit()
        with pytest.raises(NotADemo, match="DATAMARKET_DATABASE_NAME"):
            rebuild()
        assert inhabitants() == 1

    await asyncio.to_thread(story)


async def test_the_suite_names_the_server_that_it_runs_on(server_url: str) -> None:
    number, told = await server_told(server_url)
    assert number >= OLDEST
    assert re.fullmatch(r"PostgreSQL \d+\..+, messages \S*, collation \S+", told)
