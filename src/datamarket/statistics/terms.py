"""Words of the statistics."""

from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from datamarket.catalogue.terms import Category
from datamarket.foundation.money import half_up


class Grouping(StrEnum):
    """By what turnover is added up."""

    ZONE = "zone"
    VENUE = "venue"
    CATEGORY = "category"
    MONTH = "month"


OWN_DATA = ("自有数据", "own data")
"""What stands where a product names no zone."""


class Turnover(NamedTuple):
    """Trades of one group and their money; `refunded_fen` is what was given back of them until now,
    `disputed_fen` what open disputes are about: it is not taken off."""

    trades: int
    free_trades: int
    gross_fen: int
    refunded_fen: int
    disputed_fen: int

    @property
    def net_fen(self) -> int:
        return self.gross_fen - self.refunded_fen

    def plus(self, other: "Turnover") -> "Turnover":
        """Both groups as one."""
        return Turnover(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Turnover(0, 0, 0, 0, 0)


class YearBrought(NamedTuple):
    """What a business year brought: its turnover, what the treasury kept, and what was awarded for it to how many."""

    year: int
    turnover: Turnover
    treasury_fen: int
    awarded_fen: int
    awarded_enterprises: int

    def growth_bps(self, before: "YearBrought | None", this_year: int) -> int | None:
        """Net turnover against the year before, half up to a basis point; none for a year that still runs."""
        comparable = before and before.year == self.year - 1 and before.turnover.net_fen > 0
        if not before or not comparable or self.year >= this_year:
            return None
        return half_up(Fraction(self.turnover.net_fen * 10_000, before.turnover.net_fen)) - 10_000


class Group(NamedTuple):
    """One line of a turnover table; a zone or a venue has an id, a code and names, own data has none."""

    key: str | None
    id: UUID | None
    names: tuple[str, str]
    turnover: Turnover


def names_of(grouping: Grouping, key: str | None, stored: tuple[str | None, str | None]) -> tuple[str, str]:
    """How a group is called in Chinese and in English: stored with it, or known here."""
    if key is None:
        return OWN_DATA
    if grouping is Grouping.CATEGORY:
        return Category(key).labels
    if grouping is Grouping.MONTH:
        year, month = key.split("-")
        return f"{year}年{int(month)}月", key
    zh, en = stored
    return zh or key, en or key
