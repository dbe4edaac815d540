"""What a clause costs over a range of its rate, cap or number of places, where the slope changes, what a budget affords; pure.

Before rounding, the cost is piecewise linear in the rate: each line is worth its base times the rate, between floor and
cap. Rounding moves each line by at most half its unit.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from datamarket.foundation.errors import Invalid, Refused
from datamarket.foundation.money import MAX_FEN, percent, yuan
from datamarket.subsidy.evaluator import rules
from datamarket.subsidy.questions.terms import Kink, KinkEffect, MeetAsked, RangeAsked
from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.studies.grid import Cell, grid_of, limits_hold
from datamarket.subsidy.studies.reform import ReformChangesNothing, Reformed, apply_reform, for_year
from datamarket.subsidy.terms import Line

RANGE_PATHS = ("rate", "cap", "select.top")
SHOWN_AROUND = 40
"""Points of the curve that is drawn around a meeting rate: as many as a page shows apart."""


class RangePathUnknown(Invalid):
    code = "subsidy.range-path-unknown"
    zh = "不能在区间上测算“{path}”；可以测算：{allowed}。"
    en = "'{path}' cannot be asked over a range; what can: {allowed}."


class RateNotSingle(Invalid):
    code = "subsidy.rate-not-single"
    zh = "条款“{clause}”在该年度没有单一比例（分档计算或未生效），不能这样测算。"
    en = "Clause '{clause}' has no single rate in this year (tiers, or none in force), so this cannot be asked."


class BudgetNotMet(Refused):
    code = "subsidy.budget-not-met"
    zh = "即使比例为 {rate}，也需 {cost} 元，超过预算 {budget} 元。"
    en = "Even at a rate of {rate} it costs {cost} yuan, above the budget of {budget}."


@dataclass(frozen=True, slots=True)
class Meeting:
    """The rate that meets a budget, the next one that does not, and the exact one at which it binds before rounding.

    No next one where the largest allowed is met; no exact one where the budget never binds, or awards limit one another.
    """

    rate: Fraction
    cost_fen: int
    next_rate: Fraction | None
    next_cost_fen: int | None
    exact: Fraction | None


class RatedClause:
    """One clause of an arm, with what holds of it in the year."""

    def __init__(self, arm: Reformed, year: int, clause_id: str) -> None:
        self.arm, self.year = arm, year
        known = {clause.id: clause for clause in arm.scheme.clauses}
        if clause_id not in known:
            allowed = ", ".join(f"{clause}.{path}" for clause in known for path in RANGE_PATHS)
            raise RangePathUnknown(path=clause_id, allowed=allowed)
        self.clause: Clause = known[clause_id]
        on = self.clause.basis_date(year)
        stated = self.clause.rate.on(on) if self.clause.rate else None
        if stated is None:
            raise RateNotSingle(clause=clause_id)
        self.rate: Fraction = stated.value
        cap = self.clause.cap.on(on) if self.clause.cap else None
        floor = self.clause.floor.on(on) if self.clause.floor else None
        self.cap: int | None = cap.value if cap else None
        self.floor: int = floor.value if floor else 0

    def cells(self, rates: Sequence[Fraction], caps: Sequence[int] = ()) -> list[list[Cell]]:
        """At each rate and cap; without caps, the clause's own. Raises what `grid_of` raises."""
        held = caps or [MAX_FEN if self.cap is None else self.cap]
        return grid_of(self.arm.scheme, self.arm.snapshot, self.year, self.clause.id, rates=rates, caps=held)

    @cached_property
    def lines(self) -> list[tuple[Line, Fraction]]:
        """Those that a rate is applied to, each with its base in fen as far as the award is paid to it."""
        scheme, snapshot = self.arm.scheme, self.arm.snapshot
        found = []
        for line in rules.open_lines(
            rules.lines_before_limits(scheme, snapshot, self.year, unpriced=self.clause.id), self.clause.id
        ):
            shares = rules.shares_of(line)
            found.append((line, (line.base_fen or 0) * (shares[line.enterprise] if shares else Fraction(1))))
        return found

    @property
    def slope(self) -> Fraction:
        """Below the first kink: a floor holds every line up."""
        return Fraction(0) if self.floor else sum((open_base for _, open_base in self.lines), Fraction(0))

    def kinks(self, first: Fraction, last: Fraction) -> list[Kink] | None:
        """From `first` to `last`, the least first; None where awards limit one another and no line stands alone."""
        if limits_hold(self.arm.scheme, self.year):
            return None
        turns = []
        for line, open_base in self.lines:
            base = line.base_fen or 0
            if self.floor:
                turns.append((Fraction(self.floor, base), open_base, line, KinkEffect.FLOOR_RELEASED))
            if self.cap is not None:
                turns.append((Fraction(self.cap, base), -open_base, line, KinkEffect.CAP_BOUND))
        turns.sort(key=lambda turn: (turn[0], turn[2].candidate))
        slope, kinks = self.slope, []
        for rate, change, line, effect in turns:
            slope += change
            if first <= rate <= last:
                kinks.append(Kink(rate, line.candidate, line.enterprise, line.name, effect, slope))
        return kinks


def points_of(arm: Reformed, year: int, asked: RangeAsked) -> tuple[RatedClause, list[Cell]]:
    """A cell for each value. Raises RangePathUnknown, RateNotSingle, and what a reform to any of the values raises."""
    clause_id, _, parameter = asked.path.partition(".")
    if parameter not in RANGE_PATHS:
        clause_id = asked.path
    ground = RatedClause(arm, year, clause_id)
    schemes = []
    for value in asked.values:
        stated = (
            percent(Fraction(value))
            if parameter == "rate"
            else yuan(int(value))
            if parameter == "cap"
            else value
        )
        scheme = arm.scheme
        with suppress(ReformChangesNothing):
            scheme = apply_reform(scheme, {asked.path: for_year(asked.path, stated, year)})
        schemes.append(scheme)
    if parameter == "rate":
        return ground, [row[0] for row in ground.cells([Fraction(value) for value in asked.values])]
    if parameter == "cap":
        return ground, ground.cells([ground.rate], [int(value) for value in asked.values])[0]
    arms = (Reformed(scheme, arm.snapshot) for scheme in schemes)
    return ground, [RatedClause(one, year, clause_id).cells([ground.rate])[0][0] for one in arms]


def meeting_of(arm: Reformed, year: int, asked: MeetAsked) -> tuple[RatedClause, Meeting]:
    """By bisection: the cost never falls as the rate rises. Raises BudgetNotMet at the least rate that is allowed."""
    ground = RatedClause(arm, year, asked.clause)
    bounds = ground.clause.validators.rate if ground.clause.validators else None
    least, most = (
        (bounds.min or Fraction(0), bounds.max or Fraction(1)) if bounds else (Fraction(0), Fraction(1))
    )
    low, high = -(-least // asked.step), min(most, Fraction(1)) // asked.step

    def cost(place: int) -> int | None:
        return ground.cells([place * asked.step])[0][0].total_fen

    def fits(place: int) -> bool:
        found = cost(place)
        return found is not None and found <= asked.budget_fen

    if high < low or not fits(low):
        found = cost(low)
        told = "?" if found is None else yuan(found, grouped=True)
        budget = yuan(asked.budget_fen, grouped=True)
        raise BudgetNotMet(rate=percent(low * asked.step), cost=told, budget=budget)
    over = high + 1
    while over - low > 1:
        middle = (low + over) // 2
        low, over = (middle, over) if fits(middle) else (low, middle)
    met, above = low * asked.step, over * asked.step if over <= high else None
    next_cost = None if above is None else cost(over)
    return ground, Meeting(met, cost(low) or 0, above, next_cost, _binds_at(ground, asked.budget_fen))


def _binds_at(ground: RatedClause, budget: int) -> Fraction | None:
    """The rate at which the cost before rounding is the budget: on the segment between two kinks that crosses it."""
    kinks = ground.kinks(Fraction(0), Fraction(1))
    if kinks is None:
        return None
    cost, slope, at = Fraction(ground.cells([Fraction(0)])[0][0].total_fen or 0), ground.slope, Fraction(0)
    for rate, then in [*((kink.rate, kink.open_base) for kink in kinks), (Fraction(1), Fraction(0))]:
        if slope and (found := at + (budget - cost) / slope) < rate:
            return found
        cost, slope, at = cost + slope * (rate - at), then, rate
    return None


def around(meeting: Meeting, step: Fraction) -> Iterator[Fraction]:
    """From zero to twice the rate, in whole steps, for the curve beside it."""
    last = max(2 * int(meeting.rate / step), SHOWN_AROUND)
    stride = -(-last // SHOWN_AROUND)
    return (place * step for place in range(0, last + 1, stride) if place * step <= 1)
