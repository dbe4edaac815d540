"""The evaluator: (scheme, snapshot, year) → result; no clock, no database, no chance.

The pipeline is fixed: conditions → base → rank and select → rate or tiers → floor → cap → round →
stacking → enterprise cap → budget → final. Amounts stay exact fractions until they are rounded once.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache

from datamarket.foundation import money
from datamarket.foundation.errors import Refused
from datamarket.subsidy.evaluator import limits
from datamarket.subsidy.evaluator.ranking import Contest, Standing, stand
from datamarket.subsidy.scheme.clause import Clause, Rounding, Select, Tier
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.scheme.vocabulary import (
    FACTS,
    IS_ENTERPRISE,
    OTHER_KIND,
    PREDICATES,
    FactKind,
    Observation,
)
from datamarket.subsidy.terms import (
    Candidate,
    Facts,
    Line,
    LineStatus,
    Result,
    Snapshot,
    Step,
    StepKind,
    StepValue,
    decimal_text,
)


class YearNotCovered(Refused):
    code = "subsidy.year-not-covered"
    zh = "方案“{scheme}”自 {start} 起至 {end} 前有效，不覆盖 {year} 年度。"
    en = "Scheme '{scheme}' is valid from {start} until before {end} and does not cover {year}."


def evaluate(scheme: Scheme, snapshot: Snapshot, year: int) -> Result:
    """Every candidate's line under every clause of its unit, in the order of file, rank and id.

    Raises YearNotCovered, and what ties at the cut and the budget may raise.
    """
    lines = lines_before_limits(scheme, snapshot, year)
    lines = limits.apply_limits(scheme, lines, year, submissions(scheme, snapshot))
    place = {clause.id: position for position, clause in enumerate(scheme.clauses)}
    lines.sort(key=lambda line: (place[line.clause], line.rank is None, line.rank or 0, line.candidate))
    finished = (line.then(StepKind.FINAL, {"amount_fen": line.amount_fen}) for line in lines)
    return Result(scheme.id, year, snapshot.sha256, tuple(finished))


_PRICING = {"title", "cite", "rate", "tiers", "floor", "cap", "round", "evidence", "validators"}
"""What of a clause neither its conditions nor its ranks look at."""


def lines_before_limits(
    scheme: Scheme, snapshot: Snapshot, year: int, *, unpriced: str | None = None
) -> list[Line]:
    """Every line before awards are weighed against one another; those of the clause `unpriced` are only chosen.

    Raises YearNotCovered, and what ties at the cut may raise.
    """
    if not scheme.valid.covers(year):
        end = scheme.valid.to or "…"
        raise YearNotCovered(scheme=scheme.id, start=scheme.valid.from_, end=end, year=year)
    lines: list[Line] = []
    for clause in scheme.clauses:
        choice = (year, clause.model_dump_json(exclude=_PRICING))
        chosen = snapshot.chosen.get(choice)
        if chosen is None:
            chosen = snapshot.chosen[choice] = _chosen(clause, snapshot.of_unit(clause.unit), year)
        on = clause.basis_date(year)
        lines += chosen if clause.id == unpriced else [_priced(clause, line, on) for line in chosen]
    return lines


def submissions(scheme: Scheme, snapshot: Snapshot) -> dict[limits.LineKey, str]:
    """When what was submitted was accepted, where that is known."""
    return {
        (clause.id, candidate.id): str(candidate.facts["submitted_at"])
        for clause in scheme.clauses
        for candidate in snapshot.of_unit(clause.unit)
        if "submitted_at" in candidate.facts
    }


def open_lines(lines: Sequence[Line], clause_id: str) -> list[Line]:
    """Those of a clause that a rate is applied to."""
    return [line for line in lines if line.clause == clause_id and line.status is LineStatus.PROPOSED]


def _chosen(clause: Clause, candidates: Sequence[Candidate], year: int) -> list[Line]:
    on = clause.basis_date(year)
    lines = [_assess(clause, candidate) for candidate in candidates]
    if clause.select is not None:
        facts = {candidate.id: candidate.facts for candidate in candidates}
        return _select(clause, clause.select, lines, facts, on)
    return lines


@lru_cache(maxsize=1024)
def _condition(name: str, seen: Observation) -> Step:
    """One step for all who were seen alike: of ten thousand lines a few."""
    return Step(StepKind.CONDITION, {"predicate": name, "ok": seen.ok, "observed": seen.observed})


def _assess(clause: Clause, candidate: Candidate) -> Line:
    """Conditions, then the base: a failed condition outweighs a missing fact, and that a poor base.

    Who is no enterprise fails first, and the line says what it is.
    """
    verdicts: list[bool | None] = []
    steps = []
    for name in (IS_ENTERPRISE.name, *clause.when) if OTHER_KIND in candidate.facts else clause.when:
        seen = PREDICATES[name].test(candidate.facts)
        verdicts.append(seen.ok)
        steps.append(_condition(name, seen))
    base = _number(candidate.facts, clause.base)
    threshold = clause.require_base_above or 0
    above = None if base is None else base > threshold
    figures: dict[str, StepValue] = {
        "fact": clause.base,
        "base_fen": base,
        "above_fen": threshold,
        "ok": above,
    }
    for part in FACTS[clause.base].parts:
        if part in candidate.facts:
            figures[f"{part}_fen"] = candidate.facts[part]
    if "shares" in candidate.facts:
        figures["shares"] = candidate.facts["shares"]
    if False in verdicts:
        status = LineStatus.INELIGIBLE
    elif None in verdicts or above is None:
        status = LineStatus.HELD
    else:
        status = LineStatus.PROPOSED if above else LineStatus.NOT_SELECTED
    steps.append(Step(StepKind.BASE, figures))
    return Line(
        clause=clause.id,
        candidate=candidate.id,
        enterprise=candidate.enterprise,
        name=candidate.name,
        status=status,
        base_fen=base,
        steps=tuple(steps),
    )


def _number(facts: Facts, name: str) -> int | None:
    value = facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _select(
    clause: Clause,
    select: Select,
    lines: list[Line],
    facts: Mapping[str, Facts],
    on: date,
) -> list[Line]:
    """Rank those who may hold a slot; a base that is not above zero, or not known, never ranks."""
    top = select.top.on(on)
    values: dict[str, int] = {}
    ranked: list[Line] = []
    for assessed in lines:
        line = assessed
        value = _number(facts[line.candidate], select.by)
        if value is None and line.status is LineStatus.PROPOSED:
            unknown = {"predicate": select.by, "ok": None, "observed": f"{select.by}=missing"}
            line = line.then(StepKind.CONDITION, unknown, status=LineStatus.HELD)
        ranked.append(line)
        holds_slot = line.status is LineStatus.PROPOSED or select.among == "all"
        if (
            holds_slot
            and value is not None
            and value > 0
            and (line.base_fen or 0) > (clause.require_base_above or 0)
        ):
            values[line.candidate] = value
    if top is None:
        return [_left_out(line) for line in ranked]
    standings = stand(Contest(clause.id, top.value, select.ties, values, facts))
    return [_placed(line, standings.get(line.candidate), select, top.value) for line in ranked]


def _left_out(line: Line) -> Line:
    passed = line.status is LineStatus.PROPOSED
    return dataclasses.replace(line, status=LineStatus.NOT_SELECTED) if passed else line


def _placed(line: Line, standing: Standing | None, select: Select, top: int) -> Line:
    if standing is None:
        return _left_out(line)
    unit = "_fen" if FACTS[select.by].kind is FactKind.MONEY else ""
    rule = select.ties if isinstance(select.ties, str) else "tiebreak " + ", ".join(select.ties.tiebreak)
    figures: dict[str, StepValue] = {
        "by": select.by,
        "among": select.among,
        "rank": standing.rank,
        "of": standing.of,
        "top": top,
        "tied_with": standing.tied_with,
        "tied_at_cut": standing.tied_at_cut,
        "ties": rule,
        "selected": standing.selected,
        f"distance{unit}": standing.distance,
    }
    left_out = line.status is LineStatus.PROPOSED and not standing.selected
    status = LineStatus.NOT_SELECTED if left_out else line.status
    return line.then(StepKind.RANK, figures, rank=standing.rank, status=status)


def _priced(clause: Clause, line: Line, on: date) -> Line:
    """Rate or tiers, floor, cap, round. A rate that is not in force pays nothing.

    The cap binds when the exact amount is strictly above it, before any rounding: an amount that only
    rounds up to the cap is not bound by it.
    """
    if line.status is not LineStatus.PROPOSED:
        return line
    base = line.base_fen or 0
    line, exact = _graded(clause, line, base, on) if clause.tiers else _rated(clause, line, base, on)
    if exact is None:
        return dataclasses.replace(line, status=LineStatus.NOT_SELECTED)
    floor = clause.floor.on(on) if clause.floor else None
    if floor is not None:
        figures: dict[str, StepValue] = {
            "floor_fen": floor.value,
            "since": floor.since.isoformat(),
            "bound": exact < floor.value,
        }
        line = line.then(StepKind.FLOOR, figures)
        exact = max(exact, Fraction(floor.value))
    cap = clause.cap.on(on) if clause.cap else None
    if cap is not None:
        bound = exact > cap.value
        figures = {"cap_fen": cap.value, "since": cap.since.isoformat(), "bound": bound}
        line = line.then(StepKind.CAP, figures, cap_fen=cap.value, cap_bound=bound)
        exact = min(exact, Fraction(cap.value))
    amount = rounded(exact, clause.round)
    rounding: dict[str, StepValue] = {
        "exact": _exact_yuan(exact),
        "mode": clause.round.mode,
        "to_fen": clause.round.to,
        "amount_fen": amount,
    }
    line = line.then(StepKind.ROUND, rounding, amount_fen=amount)
    if (shares := shares_of(line)) is None:
        return line
    part = part_of(line, shares, amount)
    figures = {"share": str(shares[line.enterprise]), "project_fen": amount, "amount_fen": part}
    return line.then(StepKind.SHARE, figures, amount_fen=part)


def shares_of(line: Line) -> dict[str, Fraction] | None:
    """Of a joint project the part of each enterprise, in the order of their codes."""
    stated = line.steps_of(StepKind.BASE)[0].figures.get("shares")
    if stated is None:
        return None
    parts = (part.split("=") for part in str(stated).split())
    return {enterprise: Fraction(part) for enterprise, part in parts}


def part_of(line: Line, shares: Mapping[str, Fraction], amount: int) -> int:
    """What this enterprise gets of its project's amount, capped and rounded once: by largest remainder, the parts add up.

    The part of one that is not eligible is paid to nobody.
    """
    parts = money.split(money.Fen(amount), list(shares.values()))
    return dict(zip(shares, parts, strict=True))[line.enterprise]


def _rated(clause: Clause, line: Line, base: int, on: date) -> tuple[Line, Fraction | None]:
    stated = clause.rate.on(on) if clause.rate else None
    if stated is None:
        return line.then(StepKind.RATE, {"rate": None, "on": on.isoformat()}), None
    exact = base * stated.value
    rate = money.percent(stated.value)
    figures: dict[str, StepValue] = {
        "rate": rate,
        "since": stated.since.isoformat(),
        "article": stated.article or clause.cite.article,
        "exact": _exact_yuan(exact),
    }
    return line.then(StepKind.RATE, figures, rate=rate), exact


def _graded(clause: Clause, line: Line, base: int, on: date) -> tuple[Line, Fraction | None]:
    """Marginal brackets: each rate holds for the part of the base within its own bracket."""
    stated = clause.tiers.on(on) if clause.tiers else None
    if stated is None:
        return line.then(StepKind.RATE, {"rate": None, "on": on.isoformat()}), None
    tiers: tuple[Tier, ...] = stated.value
    exact = Fraction(0)
    for index, tier in enumerate(tiers):
        if base <= tier.above:
            break
        upper = tiers[index + 1].above if index + 1 < len(tiers) else None
        part = (base if upper is None else min(base, upper)) - tier.above
        exact += part * tier.rate
        figures: dict[str, StepValue] = {
            "above_fen": tier.above,
            "up_to_fen": upper,
            "part_fen": part,
            "rate": money.percent(tier.rate),
            "since": stated.since.isoformat(),
            "exact": _exact_yuan(part * tier.rate),
        }
        line = line.then(StepKind.TIER, figures)
    return line, exact


def _exact_yuan(exact_fen: Fraction) -> str:
    return decimal_text(exact_fen / money.FEN_PER_YUAN)


def rounded_products(bases: Sequence[int], rate: Fraction, rounding: Rounding) -> list[int]:
    """Each base times the rate, rounded; of half up in whole numbers only, because a grid has a million of them."""
    if rounding.mode != "half_up":
        return [rounded(base * rate, rounding) for base in bases]
    units = rate / rounding.to
    return [money.apply_rate(money.Fen(base), units) * rounding.to for base in bases]


def rounded(exact: Fraction, rounding: Rounding) -> int:
    """To a whole multiple of the unit; amounts are never negative here."""
    units = exact / rounding.to
    whole = units.numerator // units.denominator
    if rounding.mode == "half_up":
        whole = money.half_up(units)
    elif rounding.mode == "half_even" and (2 * (units - whole), whole % 2) > (1, 0):
        whole += 1
    return whole * rounding.to
