"""A policy officer: reads what was decided and why, asks what would change it, looks at what was done."""

import random
from typing import Any

from locust import between, task

from loadtests.journey import Journey


class PolicyOfficer(Journey):
    """Of the data authority: sees everything, and here changes nothing."""

    weight = 1
    wait_time = between(0.2, 1.0)

    def on_start(self) -> None:
        self.officer = self.sign_in(random.choice(("authority", "authority2", "authority3")))

    def _items(self, path: str, name: str) -> list[dict[str, Any]]:
        page = self.read(path, name, by=self.officer)
        return [] if page is None else page["items"]

    @task(3)
    def look_at_what_was_done(self) -> None:
        events = self._items("/audit-events?limit=50", "audit events: newest")
        if events:
            subject = random.choice(events)["subject_id"]
            self._items(f"/audit-events?subject={subject}", "audit events: of one thing")

    @task(2)
    def look_at_the_books(self) -> None:
        self.read("/ledger/trial-balance", "ledger: trial balance", by=self.officer)
        self.read("/ledger/trial-balance?at=2024-12-31", "ledger: trial balance at a day", by=self.officer)

    @task(2)
    def look_at_the_market(self) -> None:
        self.read("/statistics/overview", "statistics: overview", by=self.officer)
        self._items("/contracts?limit=50", "contracts: all")
        self._items("/trades?limit=50", "trades: all")
