"""The harness of the load: what it counts as an error, when memory is flat, and how large its markets are."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from loadtests import report
from loadtests.report import LATER, REFUSED, Route
from loadtests.sizes import SIZES

MIB = 2**20


def counted(name: str, times: dict[str, int], failures: int = 0) -> dict[str, Any]:
    """As Locust writes it."""
    requests = sum(times.values())
    return {"name": name, "num_requests": requests, "num_failures": failures, "response_times": times}


def test_the_report_is_read_as_locust_leaves_it(tmp_path: Path) -> None:
    stats = [
        counted("use", {"20": 88, "3": 5, "100": 6, "700": 1}),
        counted("refund" + REFUSED + "trade.nothing-to-refund", {"9": 2}),
    ]
    (tmp_path / "city.json").write_text(json.dumps(stats))
    with (tmp_path / "city_failures.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["Method", "Name", "Error", "Occurrences"], ["POST", "use", "500 internal", 3]]
        )
    routes, errors = report.read(tmp_path / "city")
    refused, use = routes
    assert use == Route("use", 100, 0, (20, 100, 100))
    assert (refused.requests, refused.percentiles_ms) == (2, (9, 9, 9))
    assert errors == [{"Method": "POST", "Name": "use", "Error": "500 internal", "Occurrences": "3"}]


def test_only_unforeseen_errors_use_up_the_budget() -> None:
    foreseen = [
        Route("use", 90, 0, (1, 1, 1)),
        Route("use" + REFUSED + "contract.purpose-not-authorised", 7, 0, (1, 1, 1)),
        Route("trade" + LATER + "database.busy", 3, 0, (1, 1, 1)),
    ]
    assert report.is_as_it_should_be(foreseen, [], budget=0)
    broken = [*foreseen, Route("deposit", 5, 2, (1, 1, 1))]
    assert not report.is_as_it_should_be(broken, [], budget=1)
    assert report.is_as_it_should_be(broken, [], budget=2)
    assert not report.is_as_it_should_be(foreseen[2:], [], budget=0), (
        "a load that nobody answered proves nothing"
    )


@pytest.mark.parametrize(
    ("sizes", "flat"),
    [
        ((90, 200, 204, 207, 205, 209, 209), True),
        ((90, 200, 204, 207, 205, 209, 211), False),
        ((90, 200, 120), True),
    ],
)
def test_memory_is_compared_with_that_after_a_minute_in_a_run_of_five(
    sizes: tuple[int, ...], flat: bool
) -> None:
    answered = [Route("use", 1, 0, (1, 1, 1))]
    assert report.is_as_it_should_be(answered, [size * MIB for size in sizes], budget=0) == flat


def test_a_nation_is_a_hundred_cities() -> None:
    city, nation = SIZES["city"], SIZES["nation"]
    assert (city.enterprises, city.uses, city.times) == (500, 1_000_000, 1)
    assert nation.times == nation.uses // city.uses == 100
    assert nation.enterprises == city.enterprises
    tenth = nation.part(10)
    assert (tenth.times, tenth.uses, tenth.trades) == (10, 10_000_000, nation.trades)
    assert city.part(10).times == 1
