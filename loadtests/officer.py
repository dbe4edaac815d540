"""A policy officer: reads what was decided and why, asks what would change it, looks at what was done."""

import random
from typing import Any

from locust import between, task

from loadtests.journey import Journey

SETTINGS = (
    {"top-ten-turnover.rate": {"2024-01-01": "1.5%"}},
    {"top-ten-turnover.select.top": 20},
    {"typical-case.cap": {"2024-01-01": "800000.00"}},
    {"top-ten-turnover.rate": {"2024-01-01": "0.8%"}, "top-ten-turnover.select.top": 15},
)


class PolicyOfficer(Journey):
    """Of the data authority: sees everything, and here changes nothing."""

    weight = 1
    wait_time = between(1, 5)

    def on_start(self) -> None:
        self.officer = self.sign_in(random.choice(("authority", "authority2", "authority3")))
        runs = self._items("/subsidy/runs?year=2024", "subsidy: runs")
        if not runs:
            self.give_up("there is no run to read")
        self.run_id = runs[0]["id"]

    def _items(self, path: str, name: str) -> list[dict[str, Any]]:
        page = self.read(path, name, by=self.officer)
        return [] if page is None else page["items"]

    @task(4)
    def read_why(self) -> None:
        """The run, its lines, and why one of them is what it is."""
        self.read(f"/subsidy/runs/{self.run_id}", "subsidy: run", by=self.officer)
        lines = self._items(f"/subsidy/runs/{self.run_id}/lines?limit=50", "subsidy: lines")
        if lines:
            line = random.choice(lines)["id"]
            self.read(f"/subsidy/lines/{line}/explanation", "subsidy: explanation", by=self.officer)

    @task(1)
    def review(self) -> None:
        self.read(f"/subsidy/runs/{self.run_id}/exceptions", "subsidy: exceptions", by=self.officer)
        self.read(f"/subsidy/runs/{self.run_id}/drift", "subsidy: drift", by=self.officer)

    @task(3)
    def ask_what_if(self) -> None:
        body = {"run_id": self.run_id, "set": random.choice(SETTINGS)}
        self.write("/subsidy/what-if", "subsidy: what-if", body, by=self.officer)

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
        self._items("/contracts?limit=50", "contracts: all")
        self._items("/trades?limit=50", "trades: all")
