"""Pictures of twelve pages: `make pictures` puts them into docs/pages, where docs/portal.md shows them."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.pages.conftest import PASSWORD
from tests.pages.reader import Look, Reader

DESK, TELEPHONE = 1440, 390
PICTURES = {
    "home": ("zh", DESK, None, ("/",)),
    "catalogue": ("zh", DESK, None, ("/catalogue?text=海洋",)),
    "product": ("en", DESK, None, ("/catalogue?text=海洋", ">/catalogue/")),
    "zone": ("zh", TELEPHONE, None, ("/zones", ">/zones/")),
    "awards": ("zh", TELEPHONE, None, ("/awards",)),
    "waiting": ("zh", DESK, "zo-01", ("/desk",)),
    "contract": ("zh", DESK, "dm-001", ("/my/contracts", ">/my/contracts/")),
    "run": ("zh", DESK, "authority", ("/policy", ">/policy/runs/")),
    "line": ("en", DESK, "authority", ("/policy", ">/policy/runs/", ">/policy/lines/")),
    "what-if": ("zh", DESK, "authority", ("/policy/what-if?rate=1.5%25&cap=300000",)),
    "flag": ("zh", DESK, "authority", ("/policy/flags?detector=ring", ">/policy/flags/")),
    "income": ("en", DESK, "auditor", ("/oversight/income?year=2024",)),
}
"""Name → language, width, who is signed in, and the way there."""
LEAST_OCTETS = 20_000
"""Of a page with something on it."""


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_taken(chromium: Browser, place: str, tmp_path: Path, name: str) -> None:
    language, width, who, way = PICTURES[name]
    folder = Path(os.environ.get("DATAMARKET_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    with Reader(chromium, place, Look(language, width)) as reader:
        if who:
            reader.sign_in(who, PASSWORD)
        for step in way:
            reader.follow(step[1:]) if step.startswith(">") else reader.go(step)
        reader.page.wait_for_load_state("networkidle")
        file = folder / f"{name}.jpg"
        reader.page.screenshot(
            path=file,
            type="jpeg",
            quality=60,
            clip={"x": 0, "y": 0, "width": width, "height": 1000},
            full_page=True,
        )
    assert file.stat().st_size > LEAST_OCTETS
