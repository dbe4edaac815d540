"""The finance department's desk, and trades of three months."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world import trading
from tests.world.books import assert_books_hold
from tests.world.people import FINANCE, NOON
from tests.world.periods import noon_of

LEDGER = trading.LEDGER_ID
MARCH, APRIL, MAY = date(2024, 3, 11), date(2024, 4, 30), date(2024, 5, 2)


async def three_months(database: Database) -> trading.Agreement:
    """Trades of March, April and May 2024, of a zone's data."""
    made = await trading.active_contract(database, of_zone=True)
    for day, quantity in ((MARCH, 3), (APRIL, 5), (MAY, 7), (MAY, 11)):
        await trading.trade(database, made, quantity, at=noon_of(day))
    return made


class Desk:
    """The finance department at its desk, and others."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.clients: list[httpx.AsyncClient] = []
        self.finance = self.client(FINANCE)

    def client(self, by: Actor) -> httpx.AsyncClient:
        self.clients.append(client_of(self.app, by, NOON))
        return self.clients[-1]

    async def move(self, period: int, event: str, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        return await self.finance.post(
            f"/ledger/periods/{period}/events", json={"event": event} | more, headers=headers
        )

    async def moved(self, period: int, *events: str, **more: Any) -> dict[str, Any]:
        for event in events:
            answer = await self.move(period, event, **more)
            assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refused(self, period: int, event: str, **more: Any) -> str:
        answer = await self.move(period, event, **more)
        assert answer.status_code in {409, 412, 422}, answer.text
        code: str = answer.json()["code"]
        return code


@pytest_asyncio.fixture
async def desk(fresh_database: Database, settings: Settings) -> AsyncIterator[Desk]:
    made = Desk(create_app(settings, fresh_database, read_clock=lambda: NOON))
    yield made
    for client in made.clients:
        await client.aclose()
    await assert_books_hold(fresh_database.url)


@pytest_asyncio.fixture
async def deal(fresh_database: Database) -> trading.Agreement:
    return await three_months(fresh_database)
