"""No value, at no place of any request, is answered with a server error."""

import itertools
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import Client, ClientFor, client_of
from tests.world.market import Market
from tests.world.people import AUTHORITY, NOON

EACH_TRIES = 1 if int(os.environ.get("DATAMARKET_FUZZ_EFFORT", "1")) > 1 else 3
"""One in so many values at each place, the next one at the next: `make soak` tries every value at every place."""
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
TEXTS = [value for value in VALUES if isinstance(value, str)] + [
    "-1",
    str(2**63),
    "9" * 400,
    "",
    "NaN",
    "true",
]
CURSORS = [
    "!",
    "AAAA",
    "a" * 500,
    *(
        urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()
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


@pytest.fixture
def market(in_use: tuple[str, Market]) -> Market:
    return in_use[1]


@pytest.fixture
def hostile_app(used_database: Database, settings: Settings) -> FastAPI:
    return create_app(settings, used_database, read_clock=lambda: NOON)


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path: str, market: Market) -> str:
    for name, thing in (dict(market.things) | {"year": "2024"}).items():
        path = path.replace(f"{{{name}}}", thing)
    return path


_places = itertools.count()


def tried(values: Sequence[Any]) -> Sequence[Any]:
    """What is tried at the next place."""
    return values[next(_places) % EACH_TRIES :: EACH_TRIES]


def spoilt(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with hostile values at each place."""
    for name in body:
        for value in tried(VALUES):
            yield body | {name: value}


async def send(client: Client, method: str, path: str, **parts: Any) -> httpx.Response:
    response = await client.request(method, f"http://market{path}", **parts)
    assert response.status_code < 500, (method, path, parts, response.text)
    if response.status_code >= 400:
        if "/dsp/" in path and response.headers["content-type"] == "application/json":
            assert response.json()["@type"].endswith("Error"), "the protocol has shapes of its own"
        else:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["status"] == response.status_code
    return response


async def test_any_value_in_a_body_is_taken_or_refused(market: Market, hostile_app: FastAPI) -> None:
    async with client_of(hostile_app, market.city, NOON) as client:
        for method, path, operation in operations(hostile_app):
            content = operation.get("requestBody", {}).get("content", {})
            for body in spoilt(content.get("application/json", {}).get("example", {})):
                headers = {"If-Match": "*", "Content-Type": "application/json"}
                text = json.dumps(body)  # in ASCII: a lone surrogate is escaped
                await send(client, method, filled(path, market), content=text, headers=headers)


async def test_any_value_in_a_query_or_path_is_taken_or_refused(market: Market, hostile_app: FastAPI) -> None:
    async with client_of(hostile_app, market.city, NOON) as client:
        for method, path, operation in operations(hostile_app):
            if method != "GET":
                continue
            taken = [item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"]
            for name in taken:
                for text in tried(CURSORS if name == "after" else TEXTS):
                    query = f"{name}={quote(text, errors='surrogatepass')}&by=zone&year=2024"
                    await send(client, method, f"{filled(path, market)}?{query}")
            for text in tried(TEXTS):
                ending = quote(text, safe="", errors="surrogatepass")
                await send(client, method, path.split("{")[0] + ending)


async def _chunks(size: int) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(size // 2**16):
        yield b" " * 2**16


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b" " * (2**20 + 1), "application/json", 413),
        (b'{"event": "\xff"}', "application/json", 400),
        (b"[" * 200_000, "application/json", 422),
        (b'{"event": "open"}', "text/plain", 415),
        (b'{"event": "open"', "application/json", 400),
        (b'{"event": "open"} trailing', "application/json", 400),
        (b'"open"', "application/json", 422),
        (b"", "application/json", 422),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    client_for: ClientFor, content: bytes, kind: str, status: int
) -> None:
    path = f"/api/v1/zones/{new_id(NOON)}/events"
    answer = await send(client_for(AUTHORITY), "POST", path, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


async def test_a_body_without_a_length_is_read_as_far_as_it_may_go(client_for: ClientFor) -> None:
    headers = {"Content-Type": "application/json"}
    path = f"/api/v1/zones/{new_id(NOON)}/events"
    answer = await send(client_for(AUTHORITY), "POST", path, content=_chunks(2**21), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "request.body-too-large"
    batch = await send(
        client_for(AUTHORITY), "POST", "/api/v1/trades/batch", content=_chunks(2**21), headers=headers
    )
    assert batch.status_code != 413


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/listings", "GET, HEAD, POST"),
        ("/api/v1/trades", "GET, HEAD, POST"),
        ("/api/v1/trades/batch", "POST"),
        ("/api/v1/participants/018fdc6e-0c00-7000-8000-000000000001", "GET, HEAD, PATCH"),
        ("/health/live", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE", "PUT"])
async def test_an_unknown_method_is_told_which_the_path_knows(
    client_for: ClientFor, method: str, path: str, allowed: str
) -> None:
    answer = await client_for(AUTHORITY).request(method, f"http://market{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
