"""Reads `limits.yaml`: dated, cited periods and limits. What no rule says yet on a day is None."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class Limit:
    """One value of one name; it holds from its day until the next of that name."""

    name: str
    begins: date
    value: int
    source: str


@dataclass(frozen=True)
class Limits:
    """All that hold on one day."""

    mandate_years: int | None
    acceptance_working_days: int | None
    review_working_days: int | None
    publicity_working_days: int | None
    validity_years: int | None
    renewal_window_days: int | None


@cache
def stated_limits() -> tuple[Limit, ...]:
    """Every value of the file, oldest first."""
    text = (resources.files("datamarket.zones") / "limits.yaml").read_text(encoding="utf-8")
    stated = [
        Limit(entry["name"], entry["from"], entry["value"], entry["source"]) for entry in yaml.safe_load(text)
    ]
    return tuple(sorted(stated, key=lambda limit: limit.begins))


def limits_on(day: date) -> Limits:
    """What holds on a day."""
    found: dict[str, int | None] = dict.fromkeys(Limits.__dataclass_fields__)
    for limit in stated_limits():
        if limit.begins <= day:
            found[limit.name] = limit.value
    return Limits(**found)
