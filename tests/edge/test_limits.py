"""Whose address counts: a proxy is believed only where a setting names it; refreshing has a bucket of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
import uvicorn
from typer.testing import CliRunner

from datamarket.commands import market
from datamarket.edge import limits
from datamarket.edge.limits import Limit
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world.accounts import Hall, clerk, refresh, sign_in
from tests.world.people import NOON


async def seen_by_the_application(options: dict[str, Any], peer: str) -> str:
    """The address that a request of `peer` counts for, when it says to come from elsewhere."""
    seen = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"][0])

    chosen = {name: options[name] for name in ("proxy_headers", "forwarded_allow_ips")}
    config = uvicorn.Config(application, **chosen, lifespan="off", log_config=None)
    config.load()
    headers = [(b"x-forwarded-for", b"203.0.113.9")]
    scope: Any = {"type": "http", "client": (peer, 4711), "headers": headers, "scheme": "http"}
    await config.loaded_app(scope, None, None)
    return str(seen[0])


@pytest.mark.parametrize(
    ("trusted", "peer", "counted"),
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ("", "10.1.2.3", "10.1.2.3"),
        ("10.1.2.0/24, 10.9.9.9", "10.1.2.3", "203.0.113.9"),
        ("10.1.2.0/24", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_a_forwarded_address_is_believed_from_proxies_that_a_setting_names(
    monkeypatch: pytest.MonkeyPatch, trusted: str, peer: str, counted: str
) -> None:
    given: dict[str, Any] = {}

    @contextmanager
    def opened() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(url="postgresql://nowhere", settings=Settings())

    monkeypatch.setenv("DATAMARKET_TRUSTED_PROXIES", trusted)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere")
    monkeypatch.setattr("datamarket.server.database.opened_database", opened)
    monkeypatch.setattr("datamarket.server.database.check_connections", AsyncMock())
    monkeypatch.setattr("datamarket.commands.market._start_server", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: given.update(options))
    served = await asyncio.to_thread(CliRunner().invoke, market.app, ["serve"])
    assert served.exit_code == 0
    assert await seen_by_the_application(given, peer) == counted


async def test_refreshing_takes_nothing_from_the_bucket_of_signing_in(
    settings: Settings, database: Database
) -> None:
    hall = Hall.of(settings, database, sign_in_limit="1/minute", refresh_limit="3/minute")
    async with hall.client() as visitor:
        pair = (await sign_in(visitor, await clerk(database))).json()
        for _ in range(3):
            answer = await refresh(visitor, pair["refresh_token"])
            assert answer.status_code == 200
            pair = answer.json()
        limited = await refresh(visitor, pair["refresh_token"])
    assert (limited.status_code, limited.json()["code"]) == (429, "request.rate-limited")
    assert 0 < int(limited.headers["Retry-After"]) <= 61


async def test_counting_requests_starts_no_thread(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    app = create_app(settings, database)
    monkeypatch.setattr(threading.Thread, "start", started.append)
    async with client_of(app, None, NOON) as visitor:
        answers = [await visitor.get("/zones") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert started == []


def test_a_bucket_begins_with_a_request_and_is_forgotten_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=100 * limits.NANOSECONDS)
    clock.monotonic_ns = lambda: clock.now
    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(limits, "CALLERS", 50)
    limit = Limit("2/minute")
    assert [limit.take("a").exceeded for _ in range(3)] == [False, False, True]
    assert limit.take("b").headers()[1] == (b"ratelimit", b'"default";r=1;t=60')
    clock.now += 59 * limits.NANOSECONDS
    assert (limit.take("a").exceeded, limit.take("a").seconds) == (True, 1)
    clock.now += limits.NANOSECONDS
    assert limit.take("a").headers()[1] == (b"ratelimit", b'"default";r=1;t=60')
    for caller in range(200):
        limit.take(str(caller))
    assert len(limit._buckets) == 50
    clock.now += 60 * limits.NANOSECONDS
    for caller in range(1000, 1050):
        limit.take(str(caller))
    assert len(limit._buckets) == 50
    assert set(limit._buckets) == {str(caller) for caller in range(1000, 1050)}
