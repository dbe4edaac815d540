"""Dated policy values: what holds on which day, and which line is named when a file is not what it must be."""

from datetime import date
from fractions import Fraction

import pytest

from datamarket.foundation.documents.dated import (
    DatedFileFaulty,
    DatedValue,
    last_begun,
    read_dated,
    value_on,
)
from datamarket.foundation.money import parse_rate
from datamarket.trading.revenue.files import revenue_rules

TWO_RATES = """format: dated-values/1
rate:
  - {from: 2023-01-01, to: 2024-07-01, value: "6%", source: "[assumed] first"}
  - {from: 2024-07-01, to: 2025-01-01, value: "9%", source: "[law] then"}
"""


def read(text: str) -> tuple[DatedValue[Fraction], ...]:
    return read_dated("rates.yaml", text.encode(), {"rate": parse_rate})["rate"]


@pytest.mark.parametrize(
    ("on", "rate"),
    [
        (date(2022, 12, 31), None),
        (date(2023, 1, 1), parse_rate("6%")),
        (date(2024, 6, 30), parse_rate("6%")),
        (date(2024, 7, 1), parse_rate("9%")),
        (date(2024, 12, 31), parse_rate("9%")),
        (date(2025, 1, 1), None),
    ],
)
def test_a_value_holds_from_its_day_until_before_the_next(on: date, rate: object) -> None:
    assert value_on(read(TWO_RATES), on) == rate


def test_the_end_of_a_value_need_not_be_said_twice_and_the_last_may_stay_open() -> None:
    short = TWO_RATES.replace(", to: 2024-07-01", "").replace(", to: 2025-01-01", "")
    assert [(stated.begins, stated.ends) for stated in read(short)] == [
        (date(2023, 1, 1), date(2024, 7, 1)),
        (date(2024, 7, 1), None),
    ]
    assert value_on(read(short), date(2999, 1, 1)) == parse_rate("9%")
    assert last_begun([], date(2024, 1, 1)) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("to: 2024-07-01", "to: 2024-06-01", 3, "the next begins on 2024-07-01"),
        ("to: 2024-07-01", "to: 2024-08-01", 3, "the next begins on 2024-07-01"),
        ("to: 2024-07-01", "to: 2022-08-01", 3, "the next begins on 2024-07-01"),
        ("from: 2023-01-01, to: 2024-07-01", "from: 2025-01-01", 3, "must come before"),
        ("from: 2024-07-01, to: 2025-01-01", "from: 2023-01-01", 3, "the next begins on 2023-01-01"),
        (", to: 2024-07-01", ", to: null", 0, ""),
        ("to: 2025-01-01", "to: 2024-07-01", 4, "must come before"),
        ("from: 2023-01-01", "from: 2023-02-30", 3, "day"),
        ("from: 2023-01-01", "from: 2023-1-1", 3, "not a date"),
        ('"[law] then"', '" "', 4, "without a source"),
        (', source: "[law] then"', "", 4, "has from, value and source"),
        ("source:", "why: x, source:", 3, "has from, value and source"),
        ('"9%"', "0.09", 4, "quoted text"),
        ('"9%"', "9", 4, "not a rate"),
        ("rate:", "rates:", 2, "not known"),
        ("dated-values/1", "dated-values/2", 1, "must begin with"),
        ("rate:", "format:", 2, "stands twice"),
    ],
)
def test_what_is_undated_unsourced_or_out_of_turn_is_refused_with_its_line(
    old: str, new: str, line: int, fault: str
) -> None:
    assert old in TWO_RATES
    changed = TWO_RATES.replace(old, new, 1)
    if not line:
        assert read(changed) == read(TWO_RATES)
        return
    with pytest.raises(DatedFileFaulty, match=rf"rates.yaml, line {line}: .*{fault}"):
        read(changed)


def test_a_name_that_is_missing_is_refused() -> None:
    with pytest.raises(DatedFileFaulty, match="'cap' is missing"):
        read_dated("rates.yaml", TWO_RATES.encode(), {"rate": parse_rate, "cap": parse_rate})


def test_the_revenue_rule_that_ships_is_the_one_that_old_trades_name() -> None:
    (rule,) = revenue_rules()
    assert (rule.id, rule.valid_from, rule.valid_to) == ("qd-2024", date(2023, 1, 1), None)
    assert [bracket.above for bracket in rule.brackets] == [0, 1_000_000, 10_000_000]
