#!/usr/bin/env python3
"""Writes the figures of docs/performance.md and README.md from var/bench/latest.json, which `make bench` leaves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LATEST = ROOT / "var" / "bench" / "latest.json"
Report = Mapping[str, Any]
README_ROWS = {
    "P0": "bare FastAPI answer",
    "P1": "tutorial: single trades",
    "P2": "pgbench: 1,000 whole sales a statement",
    "P3": "tutorial: listing by id",
    "P4": "bare FastAPI answer",
    "P6": "single trades",
}
"""The six goals of the first page, each by its id and rival."""
SHOWN = len(README_ROWS)


def figures(report: Report) -> str:
    """When, by which command, where; every work; more workers; every goal."""
    sizes = report["sizes"]
    rows = [
        f"{_when(report)}; {sizes['listings']:,} listings, grown to {sizes['grown_listings']:,} and {sizes['legs']:,} legs.",
        "Processor time is that of one request, or of one trade or use of a batch. **Only the ratios travel to another machine.**",
        "",
        "| Work | a second | p50 / p99 ms | server µs | PostgreSQL µs |",
        "|---|---|---|---|---|",
        *(f"| {row['work']} | {_cells(row)} |" for row in report["figures"]),
    ]
    if report["workers"]:
        rows += [
            "",
            "| Workers | Work | a second | p50 / p99 ms | server µs | PostgreSQL µs |",
            "|---|---|---|---|---|---|",
        ]
        rows += [f"| {row['workers']} | {row['work']} | {_cells(row)} |" for row in report["workers"]]
    rows += ["", "| Id | Work | Beside | Reached | Goal | Met |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {row['id']} | {row['work']} | {row['beside']} | {row['reached']} | {row['goal']} | {_met(row)} |"
        for row in report["goals"]
    ]
    return "\n".join(rows)


def first_page(report: Report) -> str:
    """Six of the goals, each with the command that measures it."""
    rows = [f"{_when(report)}:", "", "| Work | Beside | Reached | Goal | Command |", "|---|---|---|---|---|"]
    for id_, beside in README_ROWS.items():
        row = next(row for row in report["goals"] if row["id"] == id_ and row["beside"].endswith(beside))
        command = f"`make bench ONLY={id_}`"
        rows.append(f"| {row['work']} | {row['beside']} | {row['reached']} | {row['goal']} | {command} |")
    return "\n".join(rows)


PAGES = {"docs/performance.md": figures, "README.md": first_page}


def written(page: str, report: Report) -> str:
    """The page as it should stand: its figures new, the rest as it is."""
    before, opening, rest = (
        (ROOT / page).read_text(encoding="utf-8").partition("<!-- figures: `make figures` -->\n")
    )
    _, closing, after = rest.partition("\n<!-- end of figures -->")
    return before + opening + PAGES[page](report) + closing + after


def _when(report: Report) -> str:
    machine = report["machine"]
    return (
        f"`{report['command']}`, {report['at'][:10]}, {machine['cores']} cores shared by server, database and load,"
        f" Python {machine['python']}, PostgreSQL {machine['postgresql']}"
    )


def _cells(row: Mapping[str, Any]) -> str:
    latency = f"{_number(row['p50_ms'])} / {_number(row['p99_ms'])}" if row["p50_ms"] is not None else "–"
    return (
        f"{_number(row['value'])} | {latency} | {_number(row['server_us'])} | {_number(row['database_us'])}"
    )


def _number(value: float | None) -> str:
    """Three places that say something, or all of a large one."""
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _met(row: Mapping[str, Any]) -> str:
    return "yes" if row["met"] else "**no**"


if __name__ == "__main__":
    latest = json.loads(LATEST.read_text(encoding="utf-8"))
    for name in PAGES:
        text = written(name, latest)
        (ROOT / name).write_text(text, encoding="utf-8")
