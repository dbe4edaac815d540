"""What the pages say of the tree is so: generated parts are current, named files and targets exist, locks are two."""

import re
import runpy
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(
    r"(?:`|\]\()((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|yaml|yml|sql|md|csv|toml|lock)|/))(?=`|\)|#|:\d)", re.ASCII
)
_TARGET = re.compile(r"`make ([a-z]+)`")
MADE_BY_THE_READER: set[str] = set()
"""Files that a page tells its reader to write."""




@cache
def generated() -> dict[str, str]:
    made = runpy.run_path(str(ROOT / "docs" / "make_blocks.py"))
    return {page: made["written"](page) for page in made["BLOCKS"]}


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_paths_and_order_are_what_routes_and_contracts_give(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == generated()[page], "run `make docs`"


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_a_page_names_is_there(page: str) -> None:
    """Seen from the page, from the root, or from the package; a bare name is a file somewhere in the package."""
    near = ((ROOT / page).parent, ROOT, ROOT / "src" / "datamarket")
    missing = {
        name
        for name in _NAMED.findall(_FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")))
        if not any((folder / name).exists() for folder in near)
        and not ("/" not in name and any((ROOT / "src").rglob(name)))
    }
    assert missing - MADE_BY_THE_READER == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_target_that_a_page_names_is_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_TARGET.findall((ROOT / page).read_text(encoding="utf-8"))) <= targets


def test_the_first_pages_are_short() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= 150, page
