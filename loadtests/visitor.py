"""A visitor of the portal: searches in Chinese and English, filters, turns pages, reads, comes back."""

import random
from urllib.parse import urlencode

from locust import between, task

from loadtests.journey import Journey

TEXTS = (
    "海洋",
    "气象",
    "信用",
    "港口",
    "企业画像",
    "医疗影像",
    "低空",
    "ocean",
    "credit",
    "port weather",
    "API",
    "health",
)
CATEGORIES = ("ocean", "finance", "credit", "health", "port", "transport", "energy", "manufacturing")
ORDERS = ("newest", "price_asc", "price_desc", "name")
GROUPINGS = ("zone", "venue", "category", "month")
PAGES = 3


class PortalVisitor(Journey):
    """Without an account: what the whole city may see."""

    weight = 6
    wait_time = between(0.5, 3)

    def on_start(self) -> None:
        self.seen: list[str] = []
        self.tags: dict[str, str] = {}

    def _page(self, name: str, **query: str | int) -> str | None:
        """One page of the catalogue; the cursor of the next."""
        page = self.read(f"/listings?{urlencode(query)}", name)
        if page is None:
            return None
        self.seen = [item["id"] for item in page["items"]] or self.seen
        following: str | None = page["next"]
        return following

    @task(5)
    def search_by_words(self) -> None:
        self._page("listings: by words", text=random.choice(TEXTS))

    @task(3)
    def filter_and_sort(self) -> None:
        self._page("listings: filtered", category=random.choice(CATEGORIES), sort=random.choice(ORDERS))

    @task(2)
    def turn_pages(self) -> None:
        order = random.choice(ORDERS)
        after = self._page("listings: first page", sort=order, limit=50)
        for _ in range(PAGES):
            if after is None:
                return
            after = self._page("listings: further page", sort=order, limit=50, after=after)

    @task(5)
    def read_listing(self) -> None:
        """Whoever has read it before asks only whether it has changed."""
        if not self.seen:
            self._page("listings: first page")
        if not self.seen:
            self.give_up("nothing is listed")
        listing = random.choice([*self.tags, *self.seen])
        known = self.tags.get(listing)
        headers = {"If-None-Match": known} if known else {}
        found = self.read(
            f"/listings/{listing}", "listing: again" if known else "listing: by id", headers=headers
        )
        if found is not None:
            self.tags[listing] = f'"{found["version"]}"'

    @task(1)
    def read_statistics(self) -> None:
        self.read("/statistics/overview", "statistics: overview")
        self.read(f"/statistics/turnover?by={random.choice(GROUPINGS)}&year=2024", "statistics: turnover")
        self.read("/statistics/league-table?year=2024&limit=10", "statistics: league table")

    @task(1)
    def look_around(self) -> None:
        self.read("/zones", "zones")
        self.read("/venues", "venues")
