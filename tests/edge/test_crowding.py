"""More than a worker takes at once is sent away at once: with a sentence, a time to come again, and nothing changed."""

import asyncio

import pytest

from datamarket.auth import passwords
from datamarket.auth.terms import Actor
from datamarket.contracts.terms import Demand
from datamarket.foundation.db import Database
from datamarket.foundation.idempotency import Answer, Claim
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting.crowds import Crowded
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world import trading
from tests.world.people import NOON, unique

USE = {"purpose": "industrial_development"}
AT_ONCE = 3


async def test_a_full_worker_sends_away_at_once_and_is_as_before_when_it_has_room(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = await trading.active_contract(database, funds=None)
    path, key = f"/contracts/{deal.contract.id}/uses", {"Idempotency-Key": unique("crowd")}
    bounded = settings.model_copy(update={"requests_at_once": AT_ONCE})
    app = create_app(bounded, database, read_clock=lambda: NOON)
    at_desk, opened = asyncio.Semaphore(0), asyncio.Event()
    ask = app.state.use_desk.ask

    async def wait_and_ask(wish: tuple[Actor, Demand], claim: Claim) -> Answer:
        at_desk.release()
        await opened.wait()
        answer: Answer = await ask(wish, claim)
        return answer

    monkeypatch.setattr(app.state.use_desk, "ask", wait_and_ask)
    async with client_of(app, deal.buyer_account, NOON) as buyer:
        inside = [asyncio.create_task(buyer.post(path, json=USE)) for _ in range(AT_ONCE)]
        for _ in inside:
            await at_desk.acquire()
        refused = await buyer.post(path, json=USE, headers=key)
        chinese = await buyer.get("/listings", headers={"Accept-Language": "zh"})
        assert (await buyer.get("http://market/health/live")).status_code == 200
        opened.set()
        assert {(await task).status_code for task in inside} == {201}
        told = refused.json()
        assert (refused.status_code, told["code"], told["retryable"]) == (503, "request.crowded", True)
        assert refused.headers["Retry-After"] == "1"
        assert "X-Request-Id" in refused.headers
        assert chinese.json()["detail"] == "此刻等待处理的请求过多，本次请求未产生任何变更；请稍后重试。"
        again = await buyer.post(path, json=USE, headers=key)
        assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)


async def test_passwords_beyond_a_few_are_not_queued() -> None:
    compared = await asyncio.gather(
        *(passwords.is_right(None, "a long pass phrase") for _ in range(40)), return_exceptions=True
    )
    assert [type(outcome) for outcome in compared] == [bool] * 10 + [Crowded] * 30
    assert await passwords.is_right(await passwords.hash_of("a long pass phrase"), "a long pass phrase")
