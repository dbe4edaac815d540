"""Pages on paper: A4 without navigation, forms and buttons, ink on white, tables within the sheet, address and time at the foot."""

import pytest
from playwright.sync_api import Browser

from tests.pages.conftest import PASSWORD
from tests.pages.reader import Look, Reader

SHEET = {"width": 703, "height": 1009}
"""What the margins leave of A4, in pixels of CSS."""
PRINTED = {
    None: ("/", "/catalogue?text=海洋", ">/catalogue/", "/zones", "/league", "/prices", "/awards"),
    "dm-001": ("/desk", "/my/contracts", ">/my/contracts/", "/my/trades", ">/my/trades/", "/my/statement"),
    "authority": ("/policy", ">/policy/runs/", ">/policy/lines/", "/policy/what-if", "/policy/flags", "/desk/participants"),
    "auditor": ("/oversight", "/oversight/balance", "/oversight/income?year=2024", "/oversight/accounts", "/oversight/checks"),
}  # fmt: skip
HIDDEN = "header nav, nav.side, nav.pages, form, button, a.button"
_ON_PAPER = """hidden => ({
  shown: [...document.querySelectorAll(hidden)].filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 120)),
  wide: [...document.querySelectorAll("table, svg, img, dl, pre")].filter(one => one.checkVisibility()
        && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 120)),
  ground: getComputedStyle(document.body).getPropertyValue("--card").trim(),
  foot: document.querySelector(".foot").innerText,
})"""


@pytest.mark.parametrize("who", PRINTED, ids=str)
def test_a_page_is_printed_within_its_sheet(chromium: Browser, place: str, who: str | None) -> None:
    """By somebody whose screen is dark: paper is not."""
    with Reader(chromium, place, Look("zh", 1440, dark=True)) as reader:
        if who:
            reader.sign_in(who, PASSWORD)
        for step in PRINTED[who]:
            reader.page.emulate_media(media="screen")
            reader.follow(step[1:]) if step.startswith(">") else reader.page.goto(step)
            reader.page.emulate_media(media="print")
            reader.page.set_viewport_size(SHEET)  # type: ignore[arg-type] # two whole numbers
            told = reader.page.evaluate(_ON_PAPER, HIDDEN)
            assert (told["shown"], told["wide"], told["ground"]) == ([], [], "#fff"), reader.page.url
            assert f"{place}/" in told["foot"]
