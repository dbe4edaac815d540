"""The dated, cited rates and limits of `rates.yaml`. What no rule says yet on a day is None."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from datamarket.foundation.documents.dated import DatedValue, read_dated, value_on
from datamarket.foundation.money import parse_rate


class PriceRates(NamedTuple):
    """All that hold on one day."""

    treasury_yield: Fraction | None
    margin_most: Fraction | None
    deviation_most: Fraction | None
    report_month: int | None


@cache
def stated_rates() -> Mapping[str, tuple[DatedValue[Any], ...]]:
    """Every value of the file by its name, oldest first."""
    content = (resources.files("datamarket.prices") / "rates.yaml").read_bytes()
    readers = dict.fromkeys(PriceRates._fields, parse_rate) | {"report_month": _month}
    return read_dated("prices/rates.yaml", content, readers)


def _month(value: object) -> int:
    if type(value) is int and 1 <= value < 12:
        return value
    message = f"not a month before December: {value}"
    raise ValueError(message)


def rates_on(day: date) -> PriceRates:
    """What holds on a day."""
    return PriceRates(*(value_on(stated_rates()[name], day) for name in PriceRates._fields))


def report_due(year: int) -> date | None:
    """The last day on which the report of a year is in time; None where no rule says."""
    month = rates_on(date(year + 1, 1, 1)).report_month
    return None if month is None else date(year + 1, month + 1, 1) - timedelta(days=1)
