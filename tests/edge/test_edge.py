"""What every caller meets at the edge: limits, languages, ids, metrics, documentation without a CDN."""

import json
import logging
import re

import httpx
import pytest
from fastapi import FastAPI

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import ClientFor, client_of
from tests.world import catalogue
from tests.world.people import AUTHORITY, FINANCE, NOON


async def test_too_many_requests_are_told_when_to_come_back(settings: Settings, database: Database) -> None:
    limited = create_app(
        settings.model_copy(update={"rate_limit": "3/minute", "sign_in_limit": "1/minute"}), database
    )
    async with client_of(limited, None, NOON) as visitor:
        answers = [await visitor.get("/zones") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
        assert answers[0].headers["RateLimit"].startswith('"default";r=2;')
        assert answers[3].json()["code"] == "request.rate-limited"
        assert 0 < int(answers[3].headers["Retry-After"]) <= 61
        forged = await visitor.get("/zones", headers={"Authorization": "Bearer made.up.token"})
        assert forged.status_code == 429
        form = {"grant_type": "password", "username": "nobody", "password": "guess"}
        guesses = [await visitor.post("/auth/token", data=form) for _ in range(2)]
        assert [guess.status_code for guess in guesses] == [401, 429]


async def test_a_body_above_the_limit_is_refused_and_a_batch_may_be_larger(client_for: ClientFor) -> None:
    big = b'{"reference": "' + b"x" * 2**20 + b'"}'
    headers = {"Content-Type": "application/json"}
    refused = await client_for(FINANCE).post("/ledger/deposits", content=big, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "request.body-too-large")
    batch = await client_for(AUTHORITY).post("/trades/batch", content=big, headers=headers)
    assert batch.status_code == 403  # refused for who asks, unread


@pytest.mark.parametrize(
    ("asked", "language"), [("en-GB,en;q=0.9", "en"), ("zh-CN", "zh"), ("fr, en;q=0.5", "en"), ("", "zh")]
)
async def test_a_refusal_speaks_the_readers_language(
    client_for: ClientFor, asked: str, language: str
) -> None:
    answer = await client_for(None).get("/contracts", headers={"Accept-Language": asked})
    problem = answer.json()
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["status"], problem["retryable"]) == ("auth.sign-in-needed", 401, False)
    assert bool(re.search("[一-鿿]", problem["detail"])) == (language == "zh")
    assert problem["trace_id"] == answer.headers["X-Request-Id"]


async def test_a_request_keeps_its_id_and_is_logged_once_as_json(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    logged = create_app(settings.model_copy(update={"log_requests": True}), database)
    caplog.set_level(logging.INFO, "datamarket.requests")
    async with client_of(logged, None, NOON) as visitor:
        answer = await visitor.get("/zones?limit=1", headers={"X-Request-Id": "portal-000001"})
    assert answer.headers["X-Request-Id"] == "portal-000001"
    [line] = [json.loads(record.message) for record in caplog.records if record.name == "datamarket.requests"]
    assert (line["request_id"], line["status"], line["caller"]) == ("portal-000001", 200, "visitor")


async def test_health_and_metrics_answer(client_for: ClientFor) -> None:
    visitor = client_for(None)
    for path in ("live", "ready"):
        assert (await visitor.get(f"http://market/health/{path}")).json() == {"status": "ok"}
    metrics = await visitor.get("http://market/metrics")
    assert "datamarket_requests_total" in metrics.text


async def test_the_documentation_is_served_whole_from_the_package(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://market") as reader:
        for page in ("/docs", "/redoc"):
            html = (await reader.get(page)).text
            sources = re.findall(r'(?:src|href)="([^"]+)"', html)
            assert sources
            for source in sources:
                assert source.startswith("/"), source
                assert (await reader.get(source)).status_code == 200


async def test_pages_of_named_origins_only_may_call(settings: Settings, database: Database) -> None:
    portal = "https://portal.example"
    opened = create_app(settings.model_copy(update={"cors_origins": (portal,)}), database)
    async with client_of(opened, None, NOON) as browser:
        allowed = await browser.get("/zones", headers={"Origin": portal})
        other = await browser.get("/zones", headers={"Origin": "https://elsewhere.example"})
    assert allowed.headers["Access-Control-Allow-Origin"] == portal
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_a_misspelt_query_parameter_is_refused_not_ignored(client_for: ClientFor) -> None:
    answer = await client_for(None).get("/listings?pricemodel=per_call")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter-unknown")
    assert "price_model" in answer.json()["detail"]


async def test_a_cursor_belongs_to_its_order(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        for _ in range(2):
            await catalogue.published_listing(session)
    visitor = client_for(None)
    page = (await visitor.get("/listings?limit=1&sort=price_asc")).json()
    other = await visitor.get(f"/listings?limit=1&sort=price_desc&after={page['next']}")
    assert (other.status_code, other.json()["code"]) == (422, "page.cursor-invalid")


async def test_a_tag_is_known_as_it_comes_back_from_a_proxy(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session)
    visitor = client_for(None)
    path = f"/listings/{listed.listing.id}"
    tag = (await visitor.get(path)).headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert (await visitor.get(path, headers={"If-None-Match": sent})).status_code == 304
    assert (await visitor.get(path, headers={"If-None-Match": '"x"'})).status_code == 200
    seller = client_for(listed.account)
    moved = await seller.post(f"{path}/events", json={"event": "delist"}, headers={"If-Match": "6"})
    assert (moved.status_code, moved.json()["code"]) == (422, "precondition.malformed")
