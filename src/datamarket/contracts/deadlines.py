"""The dated, cited days of `deadlines.yaml`: how long each state of a negotiation waits, a duty at the end, a dispute, and how late a use is recorded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Literal

from datamarket.contracts.terms import ContractState
from datamarket.foundation.clock import business_date
from datamarket.foundation.documents.dated import DatedValue, read_dated, value_on

AWAITED = (
    "requested",
    "offered",
    "accepted",
    "agreed",
    "part_signed",
    "amendment",
    "disposal",
    "dispute",
    "late_use",
)


@cache
def stated_days() -> Mapping[str, tuple[DatedValue[int], ...]]:
    """Every value of the file by its name, oldest first."""
    content = (resources.files("datamarket.contracts") / "deadlines.yaml").read_bytes()
    return read_dated("contracts/deadlines.yaml", content, dict.fromkeys(AWAITED, _days))


def _days(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = f"not a whole number above zero: {value}"
    raise ValueError(message)


def deadline(awaited: ContractState | Literal["amendment", "disposal", "dispute"], now: datetime) -> datetime:
    """Until when it waits, from now on. Raises LookupError on a day before the first that the file knows."""
    return now + _stated(awaited, now)


def recorded_from(now: datetime) -> datetime:
    """The earliest instant of which a use is still recorded. Raises LookupError in the same way."""
    return now - _stated("late_use", now)


def _stated(name: str, now: datetime) -> timedelta:
    days = value_on(stated_days()[name], business_date(now))
    if days is None:
        raise LookupError(name)
    return timedelta(days=days)
