"""What Locust counted and what the server weighed, as a table; and whether both are as they should be."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

REFUSED, LATER = " → refused: ", " → come again: "
"""Stand in the name under which an answer is counted: the market's right refusal, and its back-pressure."""
FLAT = 0.05
"""How far the memory may be at the end from where it was after a minute, of that."""
LONG_ENOUGH = 5
"""Minutes: a shorter run says nothing of memory."""
PERCENTILES = (0.50, 0.95, 0.99)
ERRORS_TOLD = 20
WIDTH = 110


@dataclass(frozen=True)
class Route:
    """One kind of request: how often, how often with an unforeseen end, and its percentiles in milliseconds."""

    name: str
    requests: int
    failures: int
    percentiles_ms: tuple[int, ...]


def routes_of(stats: Sequence[Mapping[str, Any]]) -> list[Route]:
    """From Locust's own statistics, where times are counted by millisecond, rounded to two digits."""
    return [
        Route(row["name"], row["num_requests"], row["num_failures"], _percentiles(row["response_times"]))
        for row in sorted(stats, key=lambda row: row["name"])
    ]


def _percentiles(counted: Mapping[str, int]) -> tuple[int, ...]:
    """The least time that so large a part does not exceed."""
    times = sorted((int(time), count) for time, count in counted.items())
    total, found = sum(counted.values()), []
    for part in PERCENTILES:
        seen = 0
        for time, count in times:
            seen += count
            if seen >= part * total:
                found.append(time)
                break
    return tuple(found)


def drift_of(memory_bytes: Sequence[int]) -> float | None:
    """How much more memory there is at the end than after a minute, of that; None where the run was too short.

    One figure at the start, one a minute, one at the end.
    """
    if len(memory_bytes) < LONG_ENOUGH + 1:
        return None
    return memory_bytes[-1] / memory_bytes[1] - 1


def is_as_it_should_be(routes: Sequence[Route], memory_bytes: Sequence[int], *, budget: int) -> bool:
    """No more unforeseen errors than the budget, something answered, and memory flat."""
    drift = drift_of(memory_bytes)
    failures = sum(route.failures for route in routes)
    answered = sum(route.requests - route.failures for route in routes if LATER not in route.name)
    return failures <= budget and answered > 0 and (drift is None or abs(drift) <= FLAT)


def read(base: Path) -> tuple[list[Route], list[dict[str, str]]]:
    """Routes, and unforeseen errors by kind, as Locust left them beside `base`."""
    with base.with_name(f"{base.name}_failures.csv").open(encoding="utf-8", newline="") as file:
        errors = list(csv.DictReader(file))
    return routes_of(json.loads(base.with_suffix(".json").read_text(encoding="utf-8"))), errors


def show(routes: Sequence[Route], errors: Sequence[Mapping[str, str]], memory_bytes: Sequence[int]) -> None:
    """Answers, then what was rightly refused, then what was told to come again; errors; memory."""
    console = Console(width=WIDTH)  # in a log, too
    table = Table(title="requests, milliseconds", title_justify="left")
    for heading in ("route", "requests", "unforeseen", "p50", "p95", "p99"):
        table.add_column(heading, justify="left" if heading == "route" else "right")
    for route in sorted(routes, key=lambda route: (LATER in route.name, REFUSED in route.name, route.name)):
        times = (f"{time:,}" for time in route.percentiles_ms)
        table.add_row(route.name, f"{route.requests:,}", str(route.failures or ""), *times)
    console.print(table)
    for counted, mark in (("rightly refused", REFUSED), ("told to come again", LATER)):
        console.print(f"{counted}: {sum(route.requests for route in routes if mark in route.name):,}")
    console.print(f"unforeseen errors: {sum(route.failures for route in routes):,}")
    for error in errors[:ERRORS_TOLD]:
        console.print(f"  {error['Occurrences']} × {error['Name']}: {error['Error']}", markup=False)
    told = " ".join(f"{size / 2**20:.0f}" for size in memory_bytes)
    drift = drift_of(memory_bytes)
    since = "" if drift is None else f"; {drift:+.1%} since the first minute"
    console.print(f"memory of the server, MiB, at the start, each minute and at the end: {told}{since}")
