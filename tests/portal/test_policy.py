"""The policy desk: every figure with its reason, buttons for what is allowed, what if at once and as a study."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.portal.policy.drawing import Arrow, around, below, graph
from datamarket.server.app import create_app
from tests.subsidy.conftest import Market
from tests.world import subsidy
from tests.world.browser import Browser, PageRead
from tests.world.participants import acting_for
from tests.world.people import AUDITOR, actor
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers

TOP = "top-ten-turnover"


@pytest_asyncio.fixture
async def desk(shown: tuple[Market, str]) -> AsyncIterator[Browser]:
    """An officer of the authority before a public run."""
    browser = Browser(shown[0].app)
    yield await browser.become(actor(Role.AUTHORITY))
    await browser.client.aclose()


async def test_an_officer_goes_from_the_overview_to_a_line_and_the_wording_it_rests_on(
    shown: tuple[Market, str], desk: Browser
) -> None:
    market, run = shown
    overview = await desk.open("/policy")
    assert f"/policy/runs/{run}" in overview.links
    page = await desk.open(f"/policy/runs/{run}")
    total = (await market.get(f"/subsidy/runs/{run}"))["total_fen"]
    assert f"{total / 100:,.2f}" in page.said
    assert f"/file/subsidy/runs/{run}/export.xlsx" in page.links
    lines = f"/policy/runs/{run}/lines"
    largest = await desk.open(f"{lines}?clause={TOP}&sort=amount&unit=wan&status=proposed")
    first = next(link for link in largest.links if link.startswith("/policy/lines/"))
    line = await desk.open(first)
    told = (await market.get(f"/subsidy/lines/{first.rpartition('/')[2]}/explanation"))["rungs"]
    assert [rung["step"] for rung in told][-1] == "final"
    assert all(rung["en"] in line.said for rung in told)
    assert "年度流通交易额排名前十" in line.said
    scheme = await desk.open(next(link for link in line.links if link.startswith("/policy/schemes/")))
    assert "200,000.00" in scheme.said
    empty = await desk.open(f"{lines}?text=no-such-enterprise")
    assert "/policy/lines/" not in " ".join(empty.links)


async def test_a_button_stands_for_what_the_api_allows_to_this_caller(shown: tuple[Market, str]) -> None:
    market, run = shown
    path = f"/subsidy/runs/{run}"
    for who in (actor(Role.FINANCE), market.officers.calculator, AUDITOR):
        browser = await Browser(market.app).become(who)
        page = await browser.open(f"/policy/runs/{run}")
        allowed = (await market.get(f"{path}/allowed-events", who))["events"]
        shown_events = [
            link.partition("event=")[2].partition("&")[0] for link in page.links if "/events?event=" in link
        ]
        assert shown_events == allowed
        await browser.client.aclose()
    seller = await Browser(market.app).become(acting_for(market.sellers[10]))
    [own] = (await market.get(f"{path}/lines", acting_for(market.sellers[10])))["items"]
    assert "rank 11" in (await seller.open(f"/policy/lines/{own['id']}")).said
    await seller.open(f"/policy/runs/{run}", 403)
    await seller.client.aclose()


async def test_what_if_is_answered_with_reasons_and_kept_as_a_study(
    shown: tuple[Market, str], desk: Browser
) -> None:
    market, run = shown
    left = market.sellers[2]
    asked = f"/policy/what-if?run_id={run}&clause={TOP}&rate=1.5&cap=300000&top=9&left_out={left.uscc}"
    page = await desk.open(asked)
    answer = await market.client(AUDITOR).post(
        "/subsidy/what-if",
        json={
            "run_id": run,
            "set": {
                f"{TOP}.rate": "1.5%",
                f"{TOP}.cap": "300000",
                f"{TOP}.select.top": 9,
                "facts.left-out": [left.uscc],
            },
        },
    )
    found = answer.json()["comparison"]
    assert f"{found['after_fen'] / 100:,.2f}" in page.said
    assert {"left out of the study", "another rate"} <= {text.strip() for text in page.texts}
    assert f"{found['delta_fen'] / 100:,.2f}" in page.said
    keeping = [form for form in page.forms if "set" in form]
    kept = await desk.client.post("/form/subsidy/studies", data=keeping[0])
    assert kept.status_code == 303, kept.text
    study = kept.headers["location"].rpartition("/")[2]
    read = await desk.open(f"/policy/studies/{study}")
    assert f"/api/v1/subsidy/studies/{study}" in read.said
    chart = await desk.client.get(f"/file/subsidy/studies/{study}/chart.svg")
    assert chart.headers["content-type"].startswith("image/svg+xml")
    curve = next(form for form in page.forms if "range.path" in form)
    kinks = await desk.client.post("/form/subsidy/studies", data=curve)
    told = await desk.open(f"/policy/studies/{kinks.headers['location'].rpartition('/')[2]}")
    assert "0.5%" in told.texts


@pytest.mark.parametrize("wrong", ["rate=abc", "cap=1.234", "left_out=NOBODY", "top=x"])
async def test_what_cannot_be_asked_is_told_in_the_apis_words_beside_the_form(
    shown: tuple[Market, str], desk: Browser, wrong: str
) -> None:
    page = await desk.open(f"/policy/what-if?run_id={shown[1]}&clause={TOP}&{wrong}")
    assert "subsidy." in page.said
    assert page.form("/policy/what-if")["clause"] == TOP


@pytest_asyncio.fixture
async def flagged(fresh_database: Database, settings: Settings) -> FastAPI:
    on = await subsidy.stage(fresh_database)
    there, back = [await subsidy.enterprise(fresh_database) for _ in range(2)]
    for seller, buyer in ((there, back), (back, there)):
        await subsidy.sells(on, seller, 300_000, 300_000, to=buyer, at=MARCH)
    return create_app(settings, fresh_database, read_clock=lambda: AFTER_YEAR)


async def test_a_flag_is_found_drawn_and_confirmed_from_its_page(flagged: FastAPI) -> None:
    officers = Officers()
    own, judge = [await Browser(flagged).become(who) for who in (officers.calculator, officers.reviewer)]
    detect = "/form/subsidy/integrity/detections"
    assert (await own.send(detect, {"year": str(YEAR)})).status_code in {200, 303}
    found = await judge.open("/policy/flags")
    flag = next(link for link in found.links if link.startswith("/policy/flags/"))
    text = (await judge.client.get(flag)).text
    assert text.count('class="sale" d=') == 2
    assert "style=" not in text
    page = await judge.open(flag)
    assert page.said.count("6,000.00") == 2
    confirm = next(link for link in page.links if "event=confirm" in link)
    assert not [link for link in (await own.open(flag)).links if "event=confirm" in link]
    sent = await judge.send(confirm, {"reason": "资金当日原路返回"})
    assert (sent.status_code, sent.headers["location"]) == (303, flag)
    assert "资金当日原路返回" in (await judge.open(flag)).said
    tallies = await judge.open("/policy")
    assert "/policy/flags?state=confirmed" in tallies.links
    for browser in (own, judge):
        await browser.client.aclose()


async def test_a_form_with_rows_gives_more_of_them_and_keeps_what_was_typed(
    shown: tuple[Market, str], desk: Browser
) -> None:
    address = f"/form/subsidy/runs/{shown[1]}/objections"
    form = (await desk.open(address)).form(address)
    assert {"papers.1.sha256"} == {name for name in form if name.endswith("sha256")} - {"papers.0.sha256"}
    more = await desk.client.post(f"{address}?rows=6", data=form | {"grounds": "漏计三笔", "resume": "1"})
    assert more.status_code == 200
    again = PageRead(more.text).form(f"{address}?rows=6")
    assert ("papers.5.sha256" in again, again["grounds"].strip()) == (True, "漏计三笔")


@pytest.mark.parametrize("noun", ["calls", "applications", "objections", "recoveries", "studies", "schemes"])
async def test_every_list_of_the_desk_can_be_read(desk: Browser, noun: str) -> None:
    await desk.open(f"/policy/{noun}")


@pytest.mark.parametrize("size", [1, 2, 3, 6, 12])
def test_a_drawing_keeps_its_nodes_apart_and_its_texts_harmless(size: int) -> None:
    letters = [chr(65 + place) for place in range(size)]
    controls = list(pairwise(letters))
    for places in (around(letters), below(letters, [*controls, *[(end, start) for start, end in controls]])):
        spots = {(round(x), round(y)) for x, y in places.values()}
        assert len(spots) == size
    arrows = [Arrow(*pair, '<script>"', dashed=place % 2 == 0) for place, pair in enumerate(controls)]
    text = str(graph(around(letters), arrows, '"><script>'))
    assert "<script" not in text
    assert text.count("<circle") == size
