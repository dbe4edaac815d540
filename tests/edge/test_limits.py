"""Whose address counts: a proxy is believed only where a setting names it; refreshing has a bucket of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from datamarket.commands import market
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from tests.world.accounts import Hall, clerk, refresh, sign_in


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
    monkeypatch.setattr("datamarket.commands.market._start_server", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: given.update(options))
    assert CliRunner().invoke(market.app, ["serve"]).exit_code == 0
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
