"""The subsidy desk after a market's year: one market for each test that moves it, one that is only shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.participants.tables import Participant
from datamarket.server.app import create_app
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.runs import queries as run_queries
from tests.conftest import client_of, made_once, own_database
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.people import AUDITOR, AUTHORITY
from tests.world.subsidy import AFTER_YEAR, MARCH, Officers
from tests.world.trading import Agreement

SELLERS = 13
HASHES = ("X-Scheme-SHA256", "X-Snapshot-SHA256", "X-Engine")


@dataclass
class Market:
    """A market after its year: thirteen sellers, the first richest, and an application whose clock can be set."""

    app: FastAPI
    database: Database
    sellers: list[Participant]
    agreements: list[Agreement]
    officers: Officers = field(default_factory=Officers)
    now: datetime = AFTER_YEAR
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, who: Actor | None) -> httpx.AsyncClient:
        client = client_of(self.app, who, self.now)
        self.clients.append(client)
        return client

    async def send(self, who: Actor, run: str, event: str, **more: Any) -> httpx.Response:
        return await self.client(who).post(f"/subsidy/runs/{run}/events", json={"event": event, **more})

    async def bank_answers(self, run: str) -> None:
        """What was instructed is approved, sent and executed."""
        async with self.database.transaction() as session:
            found = (await run_queries.get_run(session, UUID(run))).run
        await world.through_bank(self.database, self.officers, found, now=self.now)

    async def get(self, path: str, who: Actor | None = AUDITOR, **query: Any) -> Any:
        answer = await self.client(who).get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


Sales = tuple[list[Participant], list[Agreement]]
Year = tuple[str, Sales]


async def traded(database: Database) -> Sales:
    """The sellers of a year and what each sold; a case that is verified, and one that is not."""
    on = await world.stage(database)
    sellers, agreements = [], []
    for place in range(SELLERS):
        seller = await world.enterprise(database)
        agreement, _ = await world.sells(on, seller, 90_000_000 - 1_000_001 * place, at=MARCH)
        sellers.append(seller)
        agreements.append(agreement)
    await world.case(database, sellers[0], code="CASE-A", title_zh="模拟案例", investment_fen=500_000_000)
    await world.case(database, sellers[12], code="CASE-B", verified=False)
    async with database.transaction() as session:
        await register_actions.load_shipped_schemes(session, AUTHORITY, now=AFTER_YEAR)
    return sellers, agreements


def desk_on(database: Database, settings: Settings, sales: Sales) -> Market:
    market: Market
    app = create_app(settings, database, read_clock=lambda: market.now)
    sellers, agreements = sales
    market = Market(app, database, list(sellers), list(agreements))
    return market


async def market_on(database: Database, settings: Settings) -> Market:
    return desk_on(database, settings, await traded(database))


@pytest_asyncio.fixture(scope="session")
async def year(server_url: str, database_url: str, worker_id: str) -> AsyncIterator[Year]:
    """The name of a database after a market's year, and who sold what in it."""
    async with made_once(server_url, worker_id, "year", traded) as made:
        yield made


@pytest_asyncio.fixture
async def market(server_url: str, worker_id: str, year: Year, settings: Settings) -> AsyncIterator[Market]:
    """A market of the test's own."""
    async with own_database(server_url, worker_id, year[0]) as database:
        made = desk_on(database, settings, year[1])
        yield made
        for client in made.clients:
            await client.aclose()
        await assert_books_hold(database.url)


@pytest_asyncio.fixture(scope="session")
async def shown(
    server_url: str, worker_id: str, year: Year, settings: Settings
) -> AsyncIterator[tuple[Market, str]]:
    """A market with one publicised run, which no test moves."""
    async with own_database(server_url, worker_id, year[0]) as database:
        made = desk_on(database, settings, year[1])
        run = await world.publicised(database, made.officers)
        yield made, str(run.id)
        for client in made.clients:
            await client.aclose()
