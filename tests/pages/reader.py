"""One who reads pages in a browser, and looks at each: what it loads, says, forbids, and who can use it."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Request, Response

PATIENCE_MS = 90_000
"""Of a machine that has other work too."""
SERIOUS = {"serious", "critical"}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
JUDGED: set[tuple[str, str]] = set()
"""Pages and languages of which it was asked already whether everyone can use them, in both schemes."""
_AXE = Axe()
ROWS_JUDGED = 12
"""Of a table; the others are like them."""
_SHORTEN = "most => document.querySelectorAll('tbody').forEach(one => [...one.rows].slice(most).forEach(row => row.remove()))"
_JUDGE = "asked => axe.run(asked).then(told => told.violations)"
_DOCUMENT = """() => ({
  lang: document.documentElement.lang,
  title: document.title.trim(),
  heads: [...document.querySelectorAll("h1")].map(one => one.innerText.trim()),
  wide: document.scrollingElement.scrollWidth - innerWidth,
})"""


@dataclass(frozen=True)
class Look:
    """How somebody looks at pages."""

    language: str
    width: int
    dark: bool = False
    scripts: bool = True

    def __str__(self) -> str:
        return f"{self.language}-{self.width}{'-dark' * self.dark}{'-no-scripts' * (not self.scripts)}"


LOOKS = (
    Look("zh", 390),
    Look("en", 1440, dark=True),
    Look("zh", 1440, dark=True),
    Look("en", 390),
    Look("zh", 1440, scripts=False),
    Look("en", 390, scripts=False, dark=True),
)
"""Each language at each width, and without scripts; axe judges a page at its first look in a language: both widths come first."""


class Reader:
    """One window. Whatever a page does that it must not is kept, and told by `look`."""

    def __init__(self, chromium: Browser, place: str, look: Look) -> None:
        self.place, self.as_seen = place, look
        self.looked: set[str] = set()
        self._faults: list[str] = []
        self._refused = False
        self._context = chromium.new_context(
            base_url=place,
            locale="zh-CN" if look.language == "zh" else "en-GB",
            viewport={"width": look.width, "height": 900},
            color_scheme="dark" if look.dark else "light",
            java_script_enabled=look.scripts,
            reduced_motion="reduce",
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._faults.append(f"script: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.place).netloc and not request.url.startswith(
            "data:"
        ):
            self._faults.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._faults.append(f"{response.status}: {response.url}")

    def go(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def follow(self, prefix: str) -> None:
        """The first link of the page's own content that leads below a path."""
        found = self.page.locator(f"main a[href^='{prefix}']").first
        assert found.count(), f"{self.page.url}: no link to {prefix}"
        self.go(str(found.get_attribute("href")))

    def sign_in(self, username: str, password: str) -> None:
        self.go("/sign-in")
        self.fill(username=username, password=password)
        self.press()
        assert urlsplit(self.page.url).path == "/desk", self.page.url

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            field = self.page.locator(f"main [name='{name}']").first
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            elif field.get_attribute("type") == "checkbox":
                self.page.locator(f"main [name='{name}'][value='{value}']").check()
            else:
                field.fill(value)

    def press(self, *, refused: bool = False) -> None:
        """Sends the form of the page, and looks at what comes; a refusal is a page with status 422."""
        self._refused = self._refused or refused
        with self.page.expect_navigation():
            self.page.locator("main form[method=post] button").last.click()
        if not refused:
            self.look()

    def search(self, text: str) -> None:
        """By the field of the page."""
        self.page.locator("main input[type=search]").fill(text)
        with self.page.expect_navigation():
            self.page.locator("main form[role=search] button").click()
        self.look()

    def ask(self) -> None:
        """By the question of the page, which answers as one types, or else when one presses."""
        if not self.as_seen.scripts:
            self.page.locator("main form[method=get] button").click()
        self.page.locator("#decision .rules").wait_for()
        self.look()

    def do(self, event: str) -> None:
        """What may be done with the thing of the page."""
        self.page.goto(str(self.page.locator(f"main a[href*='event={event}&']").get_attribute("href")))
        self.look()
        self.press()

    def told(self) -> str:
        return self.page.locator("main").inner_text()

    def state(self) -> str | None:
        return self.page.locator("h1 .state").get_attribute("data-state")

    def look(self) -> None:
        """What every page keeps to; each is looked at once."""
        if (seen := urlsplit(self.page.url).path) in self.looked:
            return
        self.looked.add(seen)
        language = "zh-CN" if self.as_seen.language == "zh" else "en"
        faults = [fault for fault in self._faults if not (self._refused and "422" in fault)]
        faults += self._of_the_document(language)
        self._faults = []
        judged = (seen, self.as_seen.language)
        if self.as_seen.scripts and judged not in JUDGED:
            JUDGED.add(judged)
            faults += self._of_use()
        assert not faults, f"{self.as_seen} {self.page.url}: {faults}"

    def _of_the_document(self, language: str) -> list[str]:
        told = self.page.evaluate(_DOCUMENT)
        faults = []
        if told["lang"] != language:
            faults.append("lang")
        if not told["title"]:
            faults.append("title")
        if len(told["heads"]) != 1 or not told["heads"][0]:
            faults.append("h1")
        if told["wide"] > 0:
            faults.append(f"wider by {told['wide']} px")
        return faults

    def _of_use(self) -> list[str]:
        """All that is asked, then in the other scheme what may differ there."""
        self.page.evaluate(_SHORTEN, ROWS_JUDGED)
        self.page.evaluate(_AXE.axe_script)
        here, other = SCHEMES[:: -1 if self.as_seen.dark else 1]
        faults = self._violations(here)
        self.page.emulate_media(color_scheme=other)
        faults += self._violations(other, runOnly=["color-contrast"])
        self.page.emulate_media(color_scheme=here)
        return faults

    def _violations(self, scheme: str, **asked: Any) -> list[str]:
        found = self.page.evaluate(_JUDGE, {"resultTypes": ["violations"], **asked})
        return [
            f"{scheme}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})"
            for one in found
            if one["impact"] in SERIOUS
        ]
