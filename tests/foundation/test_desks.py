"""A desk: two batches in flight, few questions a batch, and a refusal that costs nobody else anything."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import pytest

from datamarket.contracts.rules import QuotaExhausted
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.desks.desk import Desk
from datamarket.foundation.desks.writes import Write
from datamarket.foundation.errors import MarketError
from datamarket.foundation.idempotency import Answer, Claim
from datamarket.foundation.money import Fen
from datamarket.ledger.rules import FundsInsufficient
from datamarket.trading.terms import Trade, TradeIntent
from tests.world import trading
from tests.world.books import assert_books_hold
from tests.world.people import enrol, moment, unique


def claim(deal: trading.Agreement, key: str | None = None) -> Claim:
    return Claim(trading.LEDGER_ID, str(deal.buyer_account.account_id), key or unique("key"), bytes(32))


async def sold(
    desk: Desk[TradeIntent, Trade], deal: trading.Agreement, quantity: int = 1, key: str | None = None
) -> Answer | MarketError:
    try:
        return await desk.ask(trading.intent(deal, quantity), claim(deal, key))
    except MarketError as error:
        return error


async def test_two_batches_are_in_flight_and_each_is_a_share_of_what_waits(database: Database) -> None:
    deal = await trading.active_contract(database)
    await enrol(database, deal.buyer_account)
    begun: list[int] = []
    both, go_on = asyncio.Event(), asyncio.Event()

    async def plan(
        _connection: Connection, wishes: Sequence[int], /, *, now: datetime
    ) -> tuple[list[int], list[Write]]:
        begun.append(len(wishes))
        if len(begun) == 2:
            both.set()
        await go_on.wait()
        return list(wishes), []

    async def post(_connection: Connection, wishes: Sequence[int], /, *, now: datetime) -> list[int]:
        raise AssertionError

    desk = Desk(database, plan, post, lambda wish: Answer(201, b"%d" % wish, None), moment)
    asked = [asyncio.create_task(desk.ask(wish, claim(deal))) for wish in range(10)]
    await both.wait()
    assert begun == [5, 5]
    later = asyncio.create_task(desk.ask(10, claim(deal)))
    await asyncio.sleep(0.05)
    assert len(begun) == 2
    go_on.set()
    answers = await asyncio.gather(*asked, later)
    assert [answer.body for answer in answers] == [b"%d" % wish for wish in range(11)]


@dataclass
class Counted:
    """A connection that counts what it is asked."""

    real: Any
    questions: list[str]

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval"}:
            self.questions.append(name)
        return getattr(self.real, name)


async def test_a_batch_of_trades_is_one_question(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = await trading.active_contract(database)
    await enrol(database, deal.buyer_account)
    desk = trading.desk(database)
    assert isinstance(await sold(desk, deal), Answer)  # its terms are remembered from now on
    questions: list[str] = []
    batches = 0
    connection_of = database.connection

    @asynccontextmanager
    async def counted() -> AsyncIterator[Connection]:
        nonlocal batches
        batches += 1
        async with connection_of() as connection:
            yield cast("Connection", Counted(connection, questions))

    monkeypatch.setattr(database, "connection", counted)
    answers = await asyncio.gather(*(sold(desk, deal) for _ in range(12)))
    assert all(isinstance(answer, Answer) for answer in answers)
    assert len(questions) == batches
    assert batches < 12


async def test_who_is_refused_alone_hears_why_and_may_take_the_key_again(
    database: Database, database_url: str
) -> None:
    scarce = await trading.active_contract(database, quota=1)
    poor = await trading.active_contract(database, funds=Fen(1))
    rich = await trading.active_contract(database)
    for deal in (scarce, poor, rich):
        await enrol(database, deal.buyer_account)
    desk = trading.desk(database)
    key, twin = unique("scarce"), unique("twin")
    spent, broke, *done = await asyncio.gather(
        sold(desk, scarce, 2, key),
        sold(desk, poor),
        *(sold(desk, rich) for _ in range(6)),
        sold(desk, rich, 1, twin),
        sold(desk, rich, 1, twin),
    )
    assert isinstance(spent, QuotaExhausted)
    assert isinstance(broke, FundsInsufficient)
    assert all(isinstance(answer, Answer) for answer in done)
    *_, first, again = [answer for answer in done if isinstance(answer, Answer)]
    assert again == replace(first, replayed=True)
    assert isinstance(await sold(desk, scarce, 1, key), Answer)
    assert await trades_of(database, rich.contract.id) == 7
    await assert_books_hold(database_url)


async def trades_of(database: Database, contract_id: UUID) -> int:
    async with database.connection() as connection:
        return cast(
            "int", await connection.fetchval("SELECT count(*) FROM trade WHERE contract_id = $1", contract_id)
        )
