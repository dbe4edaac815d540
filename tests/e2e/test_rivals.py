"""What the bench compares is the same work, its goals judge both ways, and its pages say what was measured."""

import dataclasses
import os
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil  # type: ignore[import-untyped]
import pytest

from datamarket.foundation.db import Database
from loadtests.bench_chart import chart
from loadtests.bench_cpu import whole
from loadtests.bench_goals import GOALS, Figure
from loadtests.bench_works import BARE, EDGE, TRADES, TUTORIAL, Outcome
from loadtests.rivals import award, year
from tests.world import subsidy

TENTH = 1_234_550
MORE = 4


async def test_plain_sql_awards_the_top_ten_of_a_difficult_year_as_the_market_does(
    fresh_database: Database,
) -> None:
    on = await subsidy.stage(fresh_database)
    for number in range(MORE):
        await subsidy.sells(
            on, await subsidy.enterprise(fresh_database), 3 * TENTH + number, at=subsidy.MARCH
        )
    await year.add_difficulties(fresh_database, TENTH)
    expected = await year.calculate(fresh_database)
    told, _ = await award.by_plain_sql(fresh_database.url)
    _, *right, _ = dataclasses.astuple(award.judge("SQL", expected, told, 0))
    assert right == [len(expected)] * 4
    ranks = sorted(place for _, place, _ in expected.values() if place)
    assert ranks == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9], "equals astride rank ten"
    assert max(won for _, _, won in expected.values()) == 20_000_000, "the cap binds"


def test_an_award_that_is_a_fen_off_or_missing_is_counted_as_wrong() -> None:
    expected = {"A": (10_050, 1, 101), "B": (9_950, 2, 100), "C": (0, None, 0)}
    told = {"A": (10_050, 1, 100), "B": (9_951, 2, 100)}
    assert dataclasses.astuple(award.judge("x", expected, told, 2)) == ("x", 3, 1, 2, 1, 2)


def figures() -> dict[str, Figure]:
    """Bare answers 1,000 a second of 100 µs; everything else a tenth as many, of 140 µs; of the database 10 µs each."""
    made = {name: Figure() for goal in GOALS for name in goal.needs}
    for name, figure in made.items():
        for _ in range(3):
            done = 1000 if name == BARE else 100
            figure.add(Outcome(done, 1, 2, 6), done * (100e-6 if name == BARE else 140e-6), done * 10e-6)
    return made


@pytest.mark.parametrize(
    ("work", "beside", "reached", "met"),
    [
        (EDGE, f"CPU of: {BARE}", 1.4, True),
        (TRADES, BARE, 0.1, False),
        (TRADES, TUTORIAL + TRADES, 1.0, False),
        (f"{TRADES}: p99", "its p50", 3.0, True),
    ],
)
def test_a_goal_is_met_from_above_or_from_below(work: str, beside: str, reached: float, met: bool) -> None:
    [row] = [goal.row(figures()) for goal in GOALS if (goal.work, goal.beside) == (work, beside)]
    assert (row["reached"], row["met"]) == (reached, met)


def test_processor_time_of_children_that_have_ended_is_counted() -> None:
    before = whole(psutil.Process(os.getpid()))
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)
    assert whole(psutil.Process(os.getpid())) > before


def test_a_chart_has_a_line_for_each_work_and_names_it() -> None:
    drawn = ET.fromstring(chart("rate <1>", {"a & b": [(1, 10), (64, 950)], "c": [(1, 3), (64, 4)]}))  # noqa: S314 - our own
    lines = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 2]
    assert {"rate <1>", "a & b", "c", "64", "1,000"} <= set(texts)


def test_pages_take_their_figures_from_the_report() -> None:
    made = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "make_performance.py"))
    report = {
        "at": "2026-11-21T22:00:00+00:00",
        "command": "make bench",
        "machine": {"cores": 2, "python": "3.11.7", "postgresql": "18.4"},
        "sizes": {"listings": 20_000, "legs": 400_000, "grown_listings": 100_000},
        "figures": [
            {
                "work": name,
                "value": 1234,
                "p50_ms": 2.0,
                "p99_ms": 6.0,
                "server_us": 140.0,
                "database_us": None,
            }
            for name in figures()
        ],
        "goals": [goal.row(figures()) for goal in GOALS],
        "workers": [],
    }
    pages = {page: made["written"](page, report) for page in made["PAGES"]}
    assert (
        "| P1 | single trades | bare FastAPI answer | 0.1 | ≥ 0.22 | **no** |" in pages["docs/performance.md"]
    )
    assert "| single trades | 1,234 | 2 / 6 | 140 | – |" in pages["docs/performance.md"]
    assert "`make bench`, 2026-11-21" in pages["README.md"]
    assert pages["README.md"].count("`make bench ONLY=") == made["SHOWN"]
