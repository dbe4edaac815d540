"""A small market of its own, served by a process of its own, and a browser that is there already; nothing is fetched."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from loadtests.market import free_port

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NONE_FOUND = (
    "No browser was found: install one (apt-get install chromium), or set DATAMARKET_BROWSER=/path/to/chromium. "
    "没有找到浏览器：请安装（apt-get install chromium），或设置 DATAMARKET_BROWSER=/路径/chromium。"
)
PASSWORD = os.environ.get("DATAMARKET_DEMO_PASSWORD", "a password of the pages")
PATIENCE_SECONDS = 120
MARKET = ("demo",)
"""A whole year with its awards; a market much smaller has no ring of trades, which the demo looks for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers share them by language: a page is judged once in each."""
    for item in items:
        look = getattr(getattr(item, "callspec", None), "params", {}).get("look")
        item.add_marker(pytest.mark.xdist_group(look.language if look else "zh"))


def browser_path() -> str | None:
    found = os.environ.get("DATAMARKET_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    return found if found and Path(found).is_file() else None


@pytest.fixture(scope="session")
def browser_found() -> str:
    """Looked for before anything is made."""
    path = browser_path()
    if path is None:
        pytest.exit(NONE_FOUND, returncode=2)
    return path


@pytest.fixture(scope="session")
def place(browser_found: str, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """Where the market is served: that of DATAMARKET_VAR, or one made for these tests. Each worker serves it."""
    port, root = free_port(), tmp_path_factory.getbasetemp()
    shared = root if worker_id == "master" else root.parent
    folder = os.environ.get("DATAMARKET_VAR") or str(shared / "var")
    given = {"DATAMARKET_VAR": folder, "DATAMARKET_DEMO_PASSWORD": PASSWORD}
    given |= {"DATAMARKET_SIGN_IN_LIMIT": "1000/minute", "DATAMARKET_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | given
    market = [sys.executable, "-m", "datamarket"]
    with (shared / "var.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not Path(folder).exists():
            subprocess.run([*market, *MARKET], env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    serve = [*market, "serve", "--port", str(port)]
    process = subprocess.Popen(serve, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _await(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _await(place: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        try:
            if httpx.get(f"{place}/", timeout=PATIENCE_SECONDS).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the market was not served")


@pytest.fixture(scope="session")
def chromium(browser_found: str) -> Iterator[Chromium]:
    with sync_playwright() as played:
        asked = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = played.chromium.launch(executable_path=browser_found, args=asked)
        yield browser
        browser.close()
