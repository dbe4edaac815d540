"""The dated, cited days of `limits.yaml`: to decide an objection, and to appeal against its rejection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

from datamarket.foundation.documents.dated import DatedValue, read_dated, read_days, value_on


@dataclass(frozen=True)
class ObjectionLimits:
    """In working days, as they hold on one day."""

    decision_working_days: int
    appeal_working_days: int


@cache
def stated_limits() -> Mapping[str, tuple[DatedValue[timedelta], ...]]:
    """Every value of the file by its name, oldest first."""
    content = (resources.files("datamarket.subsidy.objections") / "limits.yaml").read_bytes()
    readers = dict.fromkeys(ObjectionLimits.__dataclass_fields__, read_days)
    return read_dated("subsidy/objections/limits.yaml", content, readers)


def limits_on(day: date) -> ObjectionLimits:
    """What holds on a day."""
    days = {name: value_on(stated, day) for name, stated in stated_limits().items()}
    return ObjectionLimits(**{name: value.days for name, value in days.items() if value})
