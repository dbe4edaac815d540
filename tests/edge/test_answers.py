"""What every answer carries: its kind, who may keep it, its coding, its language, which token would do."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx
import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import ClientFor, client_of
from tests.world import catalogue
from tests.world.people import ADMIN, AUDITOR, AUTHORITY, NOON, actor

PLAIN = {"Accept-Encoding": "identity"}
PACKED = {"Accept-Encoding": "gzip"}
Reader = httpx.AsyncClient


@pytest.fixture
async def listed(database: Database) -> str:
    """The path of a published listing, whose answer is longer than a packet."""
    async with database.transaction() as session:
        offering = catalogue.content(summary_en="Tides, waves and winds. " * 40)
        made = await catalogue.published_listing(session, offering=offering)
    return f"/listings/{made.listing.id}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/docs", 200),
        ("GET", "/docs/assets/favicon.png", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/metrics", 200),
        ("GET", "/api/v1/zones", 200),
        ("GET", "/api/v1/contracts", 401),
        ("POST", "/api/v1/auth/token", 422),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/v1/zones", 405),
        ("GET", "/broken", 500),
        ("OPTIONS", "/api/v1/zones", 200),
    ],
)
async def test_no_answer_is_taken_for_another_kind(
    settings: Settings, database: Database, method: str, path: str, status: int
) -> None:
    origin = "https://portal.example"
    app = create_app(settings.model_copy(update={"cors_origins": (origin,)}), database)

    async def break_down() -> None:
        raise AssertionError

    app.add_api_route("/broken", break_down, include_in_schema=False)
    asks = {"Origin": origin, "Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    async with client_of(app, None, NOON) as reader:
        answer = await reader.request(method, f"http://market{path}", headers=asks)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ("X-Request-Id" in answer.headers) == (method != "OPTIONS")
    assert (answer.headers.get("Cache-Control") == "no-store") == (status >= 400 or method == "OPTIONS")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_page_runs_its_own_scripts_only_and_stands_in_no_frame(
    client_for: ClientFor, path: str
) -> None:
    page = await client_for(None).get(f"http://market{path}")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert page.headers["X-Frame-Options"] == "DENY"
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in inline]
    assert policy["script-src"].split() == ["'self'", *hashes]


async def test_what_a_token_was_shown_for_is_kept_by_nobody_else(client_for: ClientFor, listed: str) -> None:
    async def kept(reader: Reader, path: str) -> str | None:
        answer: httpx.Response = await reader.get(path)
        return dict(answer.headers).get("cache-control")

    visitor, auditor = client_for(None), client_for(AUDITOR)
    assert [await kept(visitor, path) for path in ("/listings", listed, "/zones")] == [None, None, None]
    assert await kept(auditor, "/contracts") == "no-store"
    assert await kept(auditor, listed) == "private, no-cache"
    assert await kept(client_for(ADMIN), "/accounts") == await kept(auditor, "/auth/me") == "no-store"
    assert "Authorization" in (await visitor.get("/listings")).headers["Vary"]
    refused = (await visitor.get("/contracts")).headers
    assert "Accept-Language" in refused["Vary"]
    tag = (await auditor.get(listed)).headers["ETag"]
    again = await auditor.get(listed, headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-cache")


async def test_a_slash_too_many_is_another_path_and_sends_nobody_elsewhere(client_for: ClientFor) -> None:
    for path in ("/listings/", "/trades/", "http://market/health/live/"):
        answer = await client_for(AUTHORITY).get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (404, "request.path-unknown")
        assert "Location" not in answer.headers


async def test_who_sent_no_token_is_told_no_error(client_for: ClientFor) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = await client_for(None).get("/contracts", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="datamarket"')
    form = {"grant_type": "password", "username": "nobody", "password": "guess"}
    refused = await client_for(None).post("/auth/token", data=form)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="datamarket"')


async def test_which_token_would_do_is_said_in_ascii(client_for: ClientFor) -> None:
    chinese = {"Accept-Language": "zh"}
    bad = await client_for(None).get("/contracts", headers=chinese | {"Authorization": "Bearer a.b.c"})
    assert bad.status_code == 401
    assert bad.headers["WWW-Authenticate"] == (
        'Bearer realm="datamarket", error="invalid_token", '
        'error_description="The access token is not valid: malformed."'
    )
    narrow = await client_for(AUDITOR).post("/zones", headers=chinese, json={})
    assert narrow.status_code == 403
    assert narrow.headers["WWW-Authenticate"] == (
        'Bearer realm="datamarket", error="insufficient_scope", scope="manage_zones", '
        "error_description=\"Your roles do not include the permission 'manage_zones'.\""
    )
    alone = await client_for(actor(Role.BUYER)).post(
        "/trades", json={"contract_id": str(new_id(NOON)), "use_id": str(new_id(NOON))}
    )
    assert "WWW-Authenticate" not in alone.headers  # no token of this account would do


async def test_a_head_is_a_get_without_the_body(client_for: ClientFor, listed: str) -> None:
    changing = {"x-request-id", "ratelimit", "date"}
    for reader in (client_for(None), client_for(AUDITOR)):
        for path in (
            listed,
            "/listings?limit=1",
            "/contracts",
            "http://market/docs",
            "http://market/health/live",
        ):
            got, asked = await reader.get(path), await reader.head(path)
            assert (asked.status_code, asked.content) == (got.status_code, b"")
            headers = [
                {name: value for name, value in answer.headers.items() if name not in changing}
                for answer in (got, asked)
            ]
            assert headers[0] == headers[1]
    tag = (await client_for(None).get(listed)).headers["ETag"]
    assert (await client_for(None).head(listed, headers={"If-None-Match": tag})).status_code == 304
    unread = await client_for(AUTHORITY).head("/trades/batch")
    assert (unread.status_code, unread.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("zh;q=0.1, en;q=0.9", "en"),
        ("en;q=0.1, zh;q=0.9", "zh"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=0, *", "en"),
        ("en;q=0.5, *;q=0.7", "zh"),
        ("zh;q=0.5, *;q=0.7", "en"),
        ("EN-us", "en"),
        ("enm, zh;q=0.2", "zh"),
        ("zha, en;q=0.2", "en"),
        ("en, zh", "en"),
        ("zh, en", "zh"),
        ("*", "zh"),
        ("*;q=0", "zh"),
        ("en;q=2, zh;q=0.1", "zh"),
        ("en;q=nan, zh;q=0.1", "zh"),
        ("en;q=, ;;;, =, zh;q=0.001", "zh"),
        ("," * 3000 + "en", "en"),
        ("en-" * 3000, "zh"),
        ("e\xf1", "zh"),
    ],
)
async def test_the_reader_is_answered_in_the_language_of_most_weight(
    client_for: ClientFor, asked: str, language: str
) -> None:
    answer = await client_for(None).get("/contracts", headers={b"Accept-Language": asked.encode("latin-1")})
    assert (answer.status_code, answer.headers["Content-Language"]) == (401, language)


async def test_a_long_answer_travels_packed_to_who_takes_it(client_for: ClientFor, listed: str) -> None:
    reader = client_for(None)
    plain, packed = await reader.get(listed, headers=PLAIN), await reader.get(listed, headers=PACKED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 1.5
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = await reader.get(listed, headers=PACKED | {"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    for refused in ("gzip;q=0", "gzip;q=0.000, br", "br", "notgzip", ""):
        answer = await reader.get(listed, headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in answer.headers, refused


async def test_what_gains_nothing_or_holds_a_secret_is_not_packed(client_for: ClientFor) -> None:
    auditor = client_for(AUDITOR)
    for path in ("http://market/health/live", "/auth/me", "/ledger/reports/month/202405?format=xlsx"):
        answer = await auditor.get(path, headers=PACKED)
        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None)
    workbook = await auditor.get("/ledger/reports/month/202405?format=xlsx", headers=PACKED)
    assert len(workbook.content) > 1024
    account = await client_for(ADMIN).get("/accounts", headers=PACKED)
    assert (account.status_code, account.headers.get("Content-Encoding")) == (200, None)


async def test_a_method_or_path_that_somebody_makes_up_is_counted_as_none(client_for: ClientFor) -> None:
    visitor = client_for(None)
    for made_up in ("BREW", "X" * 50, "get"):
        await visitor.request(made_up, "/listings")
        await visitor.get(f"/listings/{made_up}/no/such/path")
        await visitor.get(f"http://market/{made_up}")
    metrics = (await visitor.get("http://market/metrics")).text
    labels = set(re.findall(r'_total\{method="([^"]*)",route="([^"]*)",status="(\d+)"\}', metrics))
    assert {method for method, _, _ in labels} <= {
        "-",
        "GET",
        "HEAD",
        "POST",
        "PATCH",
        "PUT",
        "DELETE",
        "OPTIONS",
        "TRACE",
    }
    assert ("-", "/listings", "405") in labels
    assert not [route for _, route, _ in labels if "such" in route or "X" in route]


async def test_the_document_is_sent_once_to_who_keeps_it(client_for: ClientFor) -> None:
    reader = client_for(None)
    path = "http://market/openapi.json"
    plain, packed = await reader.get(path, headers=PLAIN), await reader.get(path, headers=PACKED)
    assert plain.json() == packed.json()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 5
    for tag in (plain.headers["ETag"], packed.headers["ETag"]):
        assert (await reader.get(path, headers={"If-None-Match": tag})).status_code == 304
    assert (await reader.get(path, headers={"If-None-Match": '"another"'})).status_code == 200
