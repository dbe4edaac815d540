"""What each pair of a rate and a cap of one clause would cost, to the fen what single arms would say; pure.

Ranks and conditions look at neither rate nor cap, so they are decided once. Rounding keeps the order of amounts, so of
bases in order those that a cap binds are the last ones, and the rest is a sum kept from the left.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import accumulate

from datamarket.subsidy.evaluator import limits, rules
from datamarket.subsidy.scheme.clause import Clause
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Line, Snapshot


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm: its cost, who gets anything, how many lines the cap binds. No cost where the budget stops the run."""

    total_fen: int | None
    recipients: int | None
    cap_bound: int


def grid_of(
    scheme: Scheme,
    snapshot: Snapshot,
    year: int,
    clause_id: str,
    *,
    rates: Sequence[Fraction],
    caps: Sequence[int],
) -> list[list[Cell]]:
    """A row for each rate, a cell for each cap. Raises what `evaluate` raises, except that a budget stops cells only."""
    submitted = rules.submissions(scheme, snapshot)
    lines = rules.lines_before_limits(scheme, snapshot, year, unpriced=clause_id)
    priced = sorted(rules.open_lines(lines, clause_id), key=lambda line: line.base_fen or 0)
    others = [line for line in lines if line.clause != clause_id and line.amount_fen > 0]
    clause = scheme.clause(clause_id)
    floor = clause.floor.on(clause.basis_date(year)) if clause.floor else None
    least = rules.rounded(Fraction(floor.value), clause.round) if floor else 0
    bases = [line.base_fen or 0 for line in priced]

    # Parts of joint projects are in no order with whole amounts, so no sum is kept from the left.
    limited = limits_hold(scheme, year) or any(rules.shares_of(line) for line in priced)

    def row(rate: Fraction) -> Iterator[Cell]:
        amounts = [max(least, amount) for amount in rules.rounded_products(bases, rate, clause.round)]
        arm = _Arm(clause, priced, amounts, others)
        for cap in caps:
            most = rules.rounded(Fraction(cap), clause.round)
            unbound = bisect_right(bases, Fraction(cap) / rate) if rate else len(bases)
            if limited:
                yield arm.limited(scheme, year, most, unbound, submitted)
            else:
                yield arm.cell(most, unbound)

    return [list(row(rate)) for rate in rates]


def limits_hold(scheme: Scheme, year: int) -> bool:
    """Whether awards do anything to one another."""
    end = date(year, 12, 31)
    return (
        any(stacking.rule == "highest_only" for stacking in scheme.stacking)
        or (scheme.enterprise_cap is not None and scheme.enterprise_cap.on(end) is not None)
        or (scheme.budget is not None and scheme.budget.amount.on(end) is not None)
    )


class _Arm:
    """The clause's lines at one rate, the least first, and what the other clauses pay."""

    def __init__(
        self, clause: Clause, lines: Sequence[Line], amounts: Sequence[int], others: Sequence[Line]
    ) -> None:
        self.clause, self.lines, self.amounts, self.others = clause, lines, amounts, others
        self.shares = [rules.shares_of(line) for line in lines]
        self.sums = list(accumulate(amounts, initial=sum(line.amount_fen for line in others)))
        self.paid_from = bisect_right(amounts, 0)
        known = {line.enterprise for line in others}
        self.others_paid = len(known)
        self.paid = len(known | {line.enterprise for line in lines[self.paid_from :]})

    def cell(self, most: int, unbound: int) -> Cell:
        bound = len(self.lines) - unbound
        total = self.sums[unbound] + bound * most
        return Cell(total, self.paid if most else self.others_paid, bound)

    def limited(
        self, scheme: Scheme, year: int, most: int, unbound: int, submitted: dict[limits.LineKey, str]
    ) -> Cell:
        """Through the same limits as any run."""
        bound = len(self.lines) - unbound
        capped = (min(amount, most) for amount in self.amounts)
        parts = (
            rules.part_of(line, shares, amount) if shares else amount
            for line, shares, amount in zip(self.lines, self.shares, capped, strict=True)
        )
        awards = [
            replace(line, amount_fen=amount) for line, amount in zip(self.lines, parts, strict=True) if amount
        ]
        try:
            after = limits.apply_limits(scheme, [*awards, *self.others], year, submitted)
        except limits.BudgetExceeded:
            return Cell(None, None, bound)
        return Cell(sum(line.amount_fen for line in after), _recipients(after), bound)


def _recipients(lines: Iterable[Line]) -> int:
    return len({line.enterprise for line in lines if line.amount_fen > 0})
