"""Visitor, buyer, officer and auditor go their ways, in both languages, on a telephone and a desk, with and without scripts."""

from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser

from datamarket.foundation.clock import read_clock
from tests.pages.conftest import PASSWORD
from tests.pages.reader import LOOKS, Look, Reader

VISITOR, BUYER = "visitor", "su-02"
JOURNEYS: dict[str, tuple[str, ...]] = {
    VISITOR: (
        "/",
        "/catalogue?text=海洋",
        ">/catalogue/",
        "/zones",
        ">/zones/",
        "/league",
        "/prices",
        "/awards",
        "/evidence",
        "/sign-in",
    ),
    BUYER: ("/desk", "/catalogue", ">/catalogue/", "/desk/quotes", "/my/notices", ">/my/notices/"),
    "dm-001": (
        "/desk",
        "/my/contracts",
        ">/my/contracts/",
        "/my/orders",
        "/my/trades",
        ">/my/trades/",
        "/my/money",
        "/desk/products",
    ),
    "authority": (
        "/desk",
        "/policy",
        ">/policy/runs/",
        ">/policy/lines/",
        "/policy/what-if",
        "/policy/flags",
        ">/policy/flags/",
        "/desk/subsidy/cases",
        ">/desk/subsidy/cases/",
        ">/form/subsidy/cases/",
    ),
    "auditor": (
        "/oversight",
        "/oversight/balance",
        "/oversight/income",
        "/oversight/trades",
        ">/oversight/trades/",
        "/oversight/trail",
        "/oversight/checks",
    ),
}
"""Who → the pages of a journey; `>` is the first link on the page that leads there. A new page is one line here."""
FIRST_PAGE_OCTETS = 150 * 1024
NAVIGATION = "header nav a, nav.side a"
EACH = pytest.mark.parametrize("look", LOOKS, ids=str)


@EACH
@pytest.mark.parametrize("who", JOURNEYS)
def test_a_journey_meets_no_fault(chromium: Browser, place: str, who: str, look: Look) -> None:
    with Reader(chromium, place, look) as reader:
        if who != VISITOR:
            reader.sign_in(who, PASSWORD)
        for step in JOURNEYS[who]:
            if step.startswith(">"):
                reader.follow(step[1:])
            else:
                reader.go(step)


@pytest.mark.parametrize(("who", "look"), [("authority", LOOKS[1]), ("auditor", LOOKS[0])], ids=str)
def test_every_page_of_the_navigation_is_there(chromium: Browser, place: str, who: str, look: Look) -> None:
    with Reader(chromium, place, look) as reader:
        reader.sign_in(who, PASSWORD)
        links = reader.page.locator(NAVIGATION).evaluate_all(
            "all => all.map(one => one.getAttribute('href'))"
        )
        assert len(links) > 12
        for link in links:
            reader.go(link)


@EACH
def test_a_buyer_requests_a_contract_and_is_told_what_is_missing(
    chromium: Browser, place: str, look: Look
) -> None:
    """What was typed stands there again; what is mended is sent, and the contract is shown."""
    offered = httpx.get(f"{place}/api/v1/listings?limit=100").json()["items"]
    listing = next(one for one in offered if one["use_class"] == "industry")
    today = read_clock().date()
    with Reader(chromium, place, look) as reader:
        reader.sign_in(BUYER, PASSWORD)
        reader.page.goto(f"/form/contracts?listing_id={listing['id']}")
        reader.fill(term_from=f"{today}T09:00", quota="-5")
        reader.press(refused=True)
        assert reader.page.locator(".fault").count() >= 3
        assert reader.page.locator("[name=quota]").input_value() == "-5"
        reader.fill(use_class="industry", purposes="industrial_development", quota="100")
        reader.fill(term_to=f"{today + timedelta(days=90)}T09:00")
        reader.press()
        assert "/my/contracts/" in reader.page.url, reader.page.locator("main").inner_text()


def test_the_first_page_is_light(chromium: Browser, place: str) -> None:
    """Page, style, script and charts, as they come over the wire to who was never here."""
    with Reader(chromium, place, Look("zh", 1440)) as reader:
        reader.go("/")
        for chart in reader.page.locator("img.chart").all():
            chart.scroll_into_view_if_needed()
        reader.page.wait_for_load_state("networkidle")
        sizes = reader.page.evaluate(
            "() => performance.getEntries().filter(one => one.transferSize).map(one => [one.name, one.transferSize])"
        )
    assert len(sizes) >= 6
    assert sum(size for _, size in sizes) < FIRST_PAGE_OCTETS, sizes


BROKEN = """<!doctype html><html lang="fr"><title>Broken</title><h1>Broken</h1><img src="/portal/none.svg">
<p style="width: 3000px">wide</p><script>console.error("said")</script><img src="http://127.0.0.2:9/x" alt=""></html>"""


def test_what_a_page_must_not_do_is_seen(chromium: Browser, place: str) -> None:
    """The control: a page that does all of it."""
    with Reader(chromium, place, Look("en", 390)) as reader:
        reader.page.route(
            f"{place}/broken", lambda route: route.fulfill(body=BROKEN, content_type="text/html")
        )
        with pytest.raises(AssertionError) as told:
            reader.go("/broken")
    for fault in ("console: said", "another host", "404: ", "lang", "wider by", "image-alt"):
        assert fault in str(told.value)
