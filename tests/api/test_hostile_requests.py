"""No value, at no place of any request, is answered with a server error."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.app import create_app
from datamarket.foundation.db import Database
from datamarket.foundation.http import encode_cursor
from datamarket.foundation.settings import Settings
from tests.conftest import Client, ClientFor, client_of
from tests.world.market import Market, market_in_use
from tests.world.people import AUDITOR, NOON

VALUES: tuple[Any, ...] = (
    "\x00",
    "a\x00b",
    "\ud800",
    "'; DROP TABLE trade; --",
    "%s%n{0}{thing}",
    "\u202e\ufeff",
    "9" * 400,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "9999-12-31",
    -1,
    2**31,
    2**63,
    10**400,
    1.5,
    True,
    None,
    [],
    {},
    [[[[]]]],
)
TEXTS = [value for value in VALUES if isinstance(value, str)] + ["-1", str(2**63), "9" * 400, "", "NaN", "true"]
CURSORS = [
    "!",
    "AAAA",
    "a" * 500,
    *(
        encode_cursor(values)
        for values in (
            [],
            [None],
            [2**80],
            [-(2**63)],
            ["\x00"],
            ["9999-12-31T23:59:59-14:00", "018fdc6e-0c00-7000-8000-000000000001"],
            ["0001-01-01T00:00:00+14:00", "018fdc6e-0c00-7000-8000-000000000001"],
            ["not hex", "018fdc6e-0c00-7000-8000-000000000001"],
            ["018fdc6e-0c00-7000-8000-000000000001", 2**62],
            [2**62, "018fdc6e-0c00-7000-8000-000000000001", 2**62],
            [{"a": 1}],
        )
    ),
]


@pytest_asyncio.fixture
async def market(fresh_database: Database) -> Market:
    return await market_in_use(fresh_database)


@pytest.fixture
def hostile_app(fresh_database: Database, settings: Settings) -> FastAPI:
    return create_app(settings, fresh_database, read_clock=lambda: NOON)


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path: str, market: Market) -> str:
    for name, thing in (market.things | {"year": "2024"}).items():
        path = path.replace(f"{{{name}}}", thing)
    return path


def spoilt(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with each value at each place."""
    for name in body:
        for value in VALUES:
            yield body | {name: value}


async def send(client: Client, method: str, path: str, **parts: Any) -> httpx.Response:
    response = await client.request(method, f"http://market{path}", **parts)
    assert response.status_code < 500, (method, path, parts, response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code
    return response


async def test_any_value_in_a_body_is_taken_or_refused(market: Market, hostile_app: FastAPI) -> None:
    async with client_of(hostile_app, market.city, NOON) as client:
        for method, path, operation in operations(hostile_app):
            content = operation.get("requestBody", {}).get("content", {})
            for body in spoilt(content.get("application/json", {}).get("example", {})):
                await send(client, method, filled(path, market), json=body, headers={"If-Match": "*"})


async def test_any_value_in_a_query_or_path_is_taken_or_refused(market: Market, hostile_app: FastAPI) -> None:
    async with client_of(hostile_app, market.city, NOON) as client:
        for method, path, operation in operations(hostile_app):
            if method != "GET":
                continue
            taken = [item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"]
            for name in taken:
                for text in CURSORS if name == "after" else TEXTS:
                    query = f"{name}={quote(text, errors='surrogatepass')}&by=zone&year=2024"
                    await send(client, method, f"{filled(path, market)}?{query}")
            for text in TEXTS:
                spoilt_path = path.replace("{", "\x01").split("\x01")[0] + quote(text, safe="", errors="surrogatepass")
                await send(client, method, spoilt_path)
