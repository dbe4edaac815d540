"""The desk of the officers who pay, and the steps that its tests share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest_asyncio

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.payouts.bank import simulated as bank
from datamarket.payouts.terms import BankAnswer, StatementLine
from tests.conftest import Client, client_of
from tests.world import payouts
from tests.world.books import assert_books_hold
from tests.world.payouts import Officers, bank_rules
from tests.world.people import NOON

Json = dict[str, Any]


class Desk:
    """Callers on one database, at any time of the market."""

    def __init__(self, settings: Settings, database: Database, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.database = database
        self._stack = stack

    def client(self, by: Actor, *, days: int = 0) -> Client:
        """Some days after NOON."""
        now = NOON + timedelta(days=days, hours=days and 1)
        client = client_of(payouts.app_at(self.settings, self.database, now), by, now)
        self._stack.push_async_callback(client.aclose)
        return client


@pytest_asyncio.fixture
async def desk(settings: Settings, fresh_database: Database) -> AsyncIterator[Desk]:
    """On a database of its own: payouts take whatever income there is. The books hold afterwards."""
    async with AsyncExitStack() as stack:
        yield Desk(settings, fresh_database, stack)
    await assert_books_hold(fresh_database.url)


def answer(response: httpx.Response, status: int = 200) -> Json:
    assert response.status_code == status, response.text
    found: Json = response.json()
    return found


async def move(client: Client, batch: str, event: str) -> Json:
    return answer(await client.post(f"/payouts/batches/{batch}/events", json={"event": event}))


async def sent_batch(desk: Desk, officers: Officers) -> Json:
    maker, approver = desk.client(officers.maker), desk.client(officers.approver)
    batch = answer(await maker.post("/payouts/batches", json={}), 201)
    await move(approver, batch["id"], "approve")
    return await move(maker, batch["id"], "send")


async def balances(client: Client, kind: str) -> list[int]:
    rows = answer(await client.get("/ledger/accounts", params={"kind": kind, "limit": 100}))
    return [row["balance_fen"] for row in rows["items"]]


def mixed_run(content: bytes, receipts: Sequence[StatementLine] = ()) -> bank.BankRun:
    """Some executed and some refused before the last; which ones follows from their references."""
    runs = (
        bank.run_bank(content, bank_rules(refuse=Fraction(1, 3)), seed, receipts=receipts)
        for seed in range(100)
    )
    return next(run for run in runs if len({line.result for line in run.advice[:-1]}) == len(BankAnswer))
