"""Reads `limits.yaml`: dated, cited periods and limits. What no rule says yet on a day is None."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

import yaml

from datamarket.zones.resources.rules import add_working_days
from datamarket.zones.resources.terms import ResourceState


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


def due_on(state: ResourceState | str, *, submitted_on: date | None, accepted_on: date | None) -> date | None:
    """The last day to accept what was submitted, or to review what was accepted; None without a rule."""
    if state == ResourceState.SUBMITTED and submitted_on is not None:
        since, days = submitted_on, limits_on(submitted_on).acceptance_working_days
    elif state == ResourceState.ACCEPTED and accepted_on is not None:
        since, days = accepted_on, limits_on(accepted_on).review_working_days
    else:
        return None
    return None if days is None else add_working_days(since, days)
