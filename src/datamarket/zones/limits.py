"""The dated, cited periods and limits of `limits.yaml`. What no rule says yet on a day is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from datamarket.foundation.documents.dated import DatedValue, read_dated, value_on


@dataclass(frozen=True)
class Limits:
    """All that hold on one day."""

    mandate_years: int | None
    acceptance_working_days: int | None
    review_working_days: int | None
    publicity_working_days: int | None
    validity_years: int | None
    renewal_window_days: int | None
    wind_down_days: int | None


@cache
def stated_limits() -> Mapping[str, tuple[DatedValue[int], ...]]:
    """Every value of the file by its name, oldest first."""
    content = (resources.files("datamarket.zones") / "limits.yaml").read_bytes()
    readers = dict.fromkeys(Limits.__dataclass_fields__, _count) | {"wind_down_days": _days}
    return read_dated("zones/limits.yaml", content, readers)


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = f"not a whole number above zero: {value}"
    raise ValueError(message)


def _days(value: object) -> int:
    """None of them, too."""
    return value if value == 0 and isinstance(value, int) else _count(value)


def limits_on(day: date) -> Limits:
    """What holds on a day."""
    return Limits(**{name: value_on(stated, day) for name, stated in stated_limits().items()})
