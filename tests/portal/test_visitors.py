"""What a visitor sees: figures, catalogue, a product's whole chain, zones, lists and evidence, in two languages."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database
from datamarket.portal import charts
from datamarket.server.app import create_app
from datamarket.subsidy.questions.drawing import ChartNotDrawn, Drawing
from tests.conftest import client_of
from tests.world import trading
from tests.world.people import NOON
from tests.world.sealing import settings_in

PAGES = ("/", "/catalogue", "/zones", "/league", "/prices", "/awards", "/evidence")
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class City(NamedTuple):
    """A market with a zone, a sale on it, and a sealed log; and one who looks at it."""

    app: FastAPI
    deal: trading.Agreement
    browser: httpx.AsyncClient
    certificate: dict[str, Any]

    async def page(self, path: str, **headers: str) -> str:
        answer = await self.browser.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer.text


@pytest_asyncio.fixture(scope="module")
async def city(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    app = create_app(settings_in(tmp_path_factory.mktemp("city")), module_database, read_clock=lambda: NOON)
    deal = await trading.active_contract(module_database, of_zone=True)
    trade = await trading.trade(module_database, deal, 3)
    await await_watermark(module_database)
    await app.state.sealer.seal(module_database, now=NOON)
    buyer = client_of(app, deal.buyer_account, NOON)
    certificate = (await buyer.get(f"/trades/{trade.id}/certificate")).json()
    await buyer.aclose()
    transport = httpx.ASGITransport(app)
    headers = {"Accept": "text/html", "Accept-Language": "zh"}
    async with httpx.AsyncClient(transport=transport, base_url="http://market", headers=headers) as browser:
        yield City(app, deal, browser, certificate)


async def test_every_page_is_read_in_either_language(city: City) -> None:
    listing, zone = city.deal.listed.listing, city.deal.contract.zone_id
    for path in (*PAGES, f"/catalogue/{listing.id}", f"/zones/{zone}"):
        for tongue, lang in (("zh", "zh-CN"), ("en", "en")):
            text = await city.page(path, **{"Accept-Language": tongue})
            assert f'<html lang="{lang}">' in text
            assert text.count("<h1") == 1
            assert " style=" not in text
            told = re.sub(r'(href|action|value|srcset|src)="[^"]*"|<p class="on-paper">.*', "", text)
            assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", told), path


async def test_a_product_is_found_by_a_word_and_shows_the_chain_behind_it(city: City) -> None:
    listing = city.deal.listed.listing
    found = await city.page(
        f"/catalogue?text={listing.name_zh[:4]}&sort=price_asc&category={listing.category}"
    )
    assert f"/catalogue/{listing.id}" in found
    assert "aria-current" in found
    assert "没有找到" in await city.page("/catalogue?text=没有这样的东西")
    shown = await city.page(f"/catalogue/{listing.id}")
    async with city.app.state.database.connection() as connection:
        chain = await connection.fetchrow(
            "SELECT z.name_zh AS zone, p.name_zh AS provider, o.name_zh AS operator, s.name_zh AS scenario,"
            " r.registration_code AS code, v.name_zh AS venue FROM listing l JOIN zone z ON z.id = l.zone_id"
            " JOIN participant p ON p.id = l.provider_id JOIN participant o ON o.id = z.operator_id"
            " JOIN scenario s ON s.id = l.scenario_id JOIN product_version pv ON pv.id = l.product_version_id"
            " JOIN resource r ON r.id = pv.resources[1] JOIN venue v ON v.id = l.venue_id WHERE l.id = $1",
            listing.id,
        )
    assert chain
    assert [word for word in chain.values() if word not in shown] == []
    assert f"/form/contracts?listing_id={listing.id}" in shown
    asked = await city.browser.get(f"/form/contracts?listing_id={listing.id}")
    assert asked.headers["location"].startswith("/sign-in?next=")


async def test_the_tour_is_shown_until_it_is_dismissed(city: City) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(city.app), base_url="http://market"
    ) as browser:
        first = (await browser.get("/")).text
        assert 'action="/tour"' in first
        assert (await browser.post("/tour", data={"form_token": "0"})).status_code == 403
        sent = await browser.post("/tour", data={"form_token": _token(first)})
        assert (sent.status_code, sent.headers["location"]) == (303, "/")
        assert 'action="/tour"' not in (await browser.get("/")).text


async def test_a_certificate_is_verified_and_a_false_one_says_where(city: City) -> None:
    async def verified(files: Mapping[str, Any] | None = None, **typed: str) -> httpx.Response:
        token = _token(await city.page("/evidence"))
        return await city.browser.post(
            "/evidence", data={"form_token": token, **typed}, files=files or {"file": ("", b"")}
        )

    told = city.certificate
    assert "核验通过" in (await verified(document=json.dumps(told))).text
    false = told | {"trade": told["trade"] | {"quantity": 9}}
    answer = (await verified({"file": ("certificate.json", json.dumps(false).encode())})).text
    assert "核验不通过" in answer
    assert "trade.quantity: 3 ≠ 9" in answer
    assert (await verified(document="你好")).status_code == 422
    assert (await verified({"file": ("large", b"x" * (2**18 + 1))})).status_code == 422
    note = (await city.browser.get("/api/v1/evidence/checkpoints/latest")).json()["note"]
    assert "核验通过" in (await verified(document=note.replace("\n", "\r\n"))).text


def _token(text: str) -> str:
    found = _TOKEN.search(text)
    assert found
    return found[1]


async def test_a_chart_is_drawn_once_and_its_figures_are_a_file(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    async def draw(spec: Mapping[str, Any]) -> Drawing:
        drawn.append(spec)
        return Drawing(svg=b"<svg/>", png=b"")

    monkeypatch.setattr(charts, "draw", draw)
    for path in (
        "/charts/turnover.svg?year=2024",
        "/charts/turnover.svg?year=2024",
        "/charts/league.svg?dark=1",
    ):
        picture = await city.browser.get(path)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert len(drawn) == 2
    [month] = drawn[0]["data"]["values"]
    sold = (await city.browser.get("/api/v1/statistics/turnover?by=month&year=2024")).json()["total"][
        "net_fen"
    ]
    assert month["net"] * 10_000 * 100 == pytest.approx(sold)
    table = await city.browser.get("/charts/turnover.csv?year=2024")
    assert f"{sold // 100}.{sold % 100:02}" in table.text
    assert (await city.browser.get("/charts/nothing.svg")).status_code == 404
    assert (await city.browser.get("/charts/turnover.svg?year=7")).status_code == 422


async def test_a_chart_that_cannot_be_drawn_is_said_to_be(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def draw(spec: Mapping[str, Any]) -> Drawing:
        raise ChartNotDrawn(seconds=30)

    monkeypatch.setattr(charts, "draw", draw)
    assert (await city.browser.get("/charts/zones.svg?narrow=1&dark=1")).status_code == 503


async def test_a_reader_is_told_on_a_page_that_nothing_is_there_and_a_program_in_json(city: City) -> None:
    for path in ("/nowhere", "/catalogue/no-such-thing/below"):
        lost = await city.browser.get(path)
        assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for path, accept in (("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html")):
        told = await city.browser.get(path, headers={"Accept": accept})
        assert (told.status_code, told.json()["code"]) == (404, "request.path-unknown")
    assert (await city.browser.post("/nowhere", headers={"Accept": "text/html"})).json()["status"] == 404
    assert (await city.browser.get("/catalogue/018fdc6e-0c00-7000-8000-000000000001")).status_code == 404
