"""Words of the limits of a use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.foundation.clock import business_date, start_of_day
from datamarket.foundation.states import Labelled


class RatePeriod(Labelled):
    """Within what a rate counts: the hour of the clock, or the day of the market."""

    HOUR = "hour", "每小时", "an hour"
    DAY = "day", "每日", "a day"

    def window(self, at: datetime) -> datetime:
        """When the period that holds an instant began."""
        if self is RatePeriod.DAY:
            return start_of_day(business_date(at))
        return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


class Rate(NamedTuple):
    """So many units in each period."""

    units: int
    per: RatePeriod


class Operands(NamedTuple):
    """What a use says of itself beside its purpose: in which form, where, for whom, and whether it is handed on."""

    form: DeliveryForm | None = None
    territory: str | None = None
    recipient: UUID | None = None
    onward: bool | None = None


UNSAID = Operands()
LIMITS = ("forms", "territories", "recipient_ids", "onward_transfer", "rate")
"""Clauses of an annex that limit a use; the others are text for people."""


@dataclass(frozen=True)
class UseLimits:
    """What an annex permits; None limits nothing. `territories` are codes of GB/T 2260 without the pairs of zeros at their ends."""

    forms: frozenset[DeliveryForm] | None = None
    territories: tuple[str, ...] | None = None
    recipients: frozenset[UUID] | None = None
    onward: bool = True
    rate: Rate | None = None

    @classmethod
    def of(cls, annex: Mapping[str, Any] | None) -> "UseLimits":
        """As clauses, or what a meter keeps of them, say."""
        if not annex or not any(name in annex for name in LIMITS):
            return NO_LIMITS
        forms, territories, recipients, onward, rate = (annex.get(name) for name in LIMITS)
        return cls(
            forms and frozenset(DeliveryForm(form) for form in forms),
            territories and tuple(_area(code) for code in territories),
            recipients and frozenset(UUID(recipient) for recipient in recipients),
            onward is not False,
            rate and Rate(rate["units"], RatePeriod(rate["per"])),
        )


NO_LIMITS = UseLimits()


def limits_in(annex: Mapping[str, Any]) -> dict[str, Any] | None:
    """The clauses that limit a use, as a meter keeps them; none where there are none."""
    return {name: annex[name] for name in LIMITS if name in annex} or None


def _area(code: str) -> str:
    """370200 is all of 3702."""
    while code.endswith("00"):
        code = code[:-2]
    return code
