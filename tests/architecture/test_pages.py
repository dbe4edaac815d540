"""What the pages say of the tree is so: generated parts are current; files, names and targets exist."""

import pkgutil
import re
import runpy
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "datamarket"
SUFFIXES = {".py", ".md", ".sql", ".yaml"}
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(
    r"(?:`|\]\()((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|yaml|yml|sql|md|csv|toml|lock)|/))(?=`|\)|#|:\d)", re.ASCII
)
_FROM_THE_ROOT = re.compile(r"\b(?:src|docs|seed|tests|tools|loadtests|deploy)/[\w./-]+\.\w+", re.ASCII)
TESTS = ROOT / "tests"
_DOTTED = re.compile(r"`([a-z_]+(?:\.[A-Za-z_]+)+)`")
_TARGET = re.compile(r"`make ([a-z]+)`")
NOT_OURS = {"var/", "var/bench/", "enterprises.csv", "projects.csv", "checks/I07.sql"}
"""Made when it runs, or told to the reader to write."""


@cache
def generated() -> dict[str, str]:
    made = runpy.run_path(str(ROOT / "docs" / "make_blocks.py"))
    return {page: made["written"](page) for page in made["BLOCKS"]}


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_paths_and_order_are_what_routes_and_contracts_give(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == generated()[page], "run `make docs`"


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_a_page_names_is_there(page: str) -> None:
    """Seen from the page, from the root, the package or the tests; a bare name is a file somewhere in these two."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {*_NAMED.findall(_FENCE.sub("", text)), *_FROM_THE_ROOT.findall(text)} - NOT_OURS
    near = ((ROOT / page).parent, ROOT, PACKAGE, TESTS)
    missing = {name for name in named if not any((folder / name).exists() for folder in near)}
    assert {
        name for name in missing if "/" in name or not any([*PACKAGE.rglob(name), *TESTS.rglob(name)])
    } == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_name_in_a_module_that_a_page_tells_of_is_there(page: str) -> None:
    """`catalogue.listings.rules.check_plan`: the longest module of it is imported, the rest looked up in it."""
    slices = {path.stem for path in PACKAGE.iterdir()}
    text = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for dotted in _DOTTED.findall(text):
        if dotted.partition(".")[0] in slices and f".{dotted.rpartition('.')[2]}" not in SUFFIXES:
            assert pkgutil.resolve_name(f"datamarket.{dotted}") is not None


@pytest.mark.parametrize("page", PAGES)
def test_a_target_that_a_page_names_is_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_TARGET.findall((ROOT / page).read_text(encoding="utf-8"))) <= targets


def test_the_first_pages_are_short() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= 150, page


def pins(lock: str) -> dict[str, str]:
    """What a lock pins, each with its marker; at most one for a platform."""
    lines = re.findall(
        r"^([a-z0-9-]+)==([^\n\\]+?) ?\\?$", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {f"{name} {version.partition(' ; ')[2]}".strip(): version for name, version in lines}


def test_the_lock_for_development_pins_what_the_product_pins_and_more() -> None:
    product, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert product.items() < development.items()
    tools = {"coverage", "hypothesis", "locust", "mypy", "pre-commit", "pytest", "ruff", "schemathesis"}
    assert tools <= development.keys() - product.keys()


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-dev.lock", "loadtests/rivals/rivals.lock"]
)
def test_a_lock_names_hashes_and_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.search(r"https?:|file:|^-|^/", text, re.MULTILINE) is None
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", text))


def test_the_image_holds_the_lock_of_the_product_alone() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert stages[-1].strip() == "product"
    assert stages[0].partition("\n")[0].endswith("AS product")
    assert "requirements-dev.lock" not in stages[0]
    assert "loadtests" not in stages[0]


def test_the_hook_runs_what_make_lint_runs_and_fetches_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    assert [hook["entry"] for hook in config["repos"][0]["hooks"]] == ["make lint"]
