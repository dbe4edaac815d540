"""Curves: linear between kinks, a budget met by the largest rate, each point what a run of its own would cost."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamarket.foundation.money import percent
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.questions.asking import read_question
from datamarket.subsidy.questions.curve import BudgetNotMet, RatedClause, RateNotSingle, meeting_of, points_of
from datamarket.subsidy.questions.terms import MeetAsked, RangeAsked
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.reform import Reformed, apply_reform
from datamarket.subsidy.terms import Snapshot
from tests.cases.builders import case, city_scheme, firm, shapes_scheme

TOP = "top-ten-turnover"
YEAR = 2025
STEP = Fraction(1, 10_000)
turnovers = st.lists(st.integers(1, 10**10), min_size=1, max_size=14)


def market_of(fens: list[int]) -> Snapshot:
    rows = [firm(f"F{place:02d}", None, net_platform_turnover=fen) for place, fen in enumerate(fens)]
    joint = {"shares": "F00=1/3 X=2/3"}
    return Snapshot.of([*rows, case("P", "5000000.01", "F00"), case("J", "700000.00", "F00", **joint)])


def cost_at(scheme: Scheme, snapshot: Snapshot, rate: Fraction) -> int:
    """A run of its own, on a scheme that was written so."""
    document = scheme.to_json()
    [clause] = [clause for clause in document["clauses"] if clause["id"] == TOP]
    clause["rate"] = {"2024-01-01": percent(rate)}
    return evaluate(Scheme.model_validate(document), Snapshot.of(snapshot.candidates), YEAR).total_fen


def exact_cost(snapshot: Snapshot, rate: Fraction, cap: int, top: int = 10) -> Fraction:
    """Before rounding, ties at the cut included; of the clause alone."""
    bases = sorted(
        (int(row.facts["net_platform_turnover"]) for row in snapshot.candidates if row.unit == "enterprise"),
        reverse=True,
    )
    paid = [base for base in bases if base >= bases[min(top, len(bases)) - 1]]
    return sum((min(base * rate, Fraction(cap)) for base in paid), Fraction(0))


@given(turnovers)
@settings(max_examples=40, deadline=None)
def test_the_cost_is_linear_between_kinks_and_turns_at_each(fens: list[int]) -> None:
    snapshot = market_of(fens)
    ground = RatedClause(Reformed(city_scheme(), snapshot), YEAR, TOP)
    kinks = ground.kinks(Fraction(0), Fraction(1))
    assert kinks is not None
    corners = [
        (Fraction(0), ground.slope),
        *((kink.rate, kink.open_base) for kink in kinks),
        (Fraction(1), Fraction(0)),
    ]
    for (low, slope), (high, _) in itertools.pairwise(corners):
        for rate in (low + (high - low) / 3, high):
            risen = exact_cost(snapshot, rate, 20_000_000) - exact_cost(snapshot, low, 20_000_000)
            assert risen == slope * (rate - low)


@given(turnovers, st.integers(0, 3 * 10**8))
@settings(max_examples=40, deadline=None)
def test_the_rate_that_meets_a_budget_is_the_largest_that_does(fens: list[int], spare: int) -> None:
    scheme, snapshot = city_scheme(), market_of(fens)
    budget = cost_at(scheme, snapshot, Fraction(0)) + spare
    _, met = meeting_of(Reformed(scheme, snapshot), YEAR, MeetAsked(TOP, budget, STEP))
    assert cost_at(scheme, snapshot, met.rate) == met.cost_fen <= budget
    if met.next_rate is None:
        assert met.rate == 1
    else:
        assert met.next_rate == met.rate + STEP
        assert budget < cost_at(scheme, snapshot, met.next_rate) == met.next_cost_fen
    if met.exact is not None:
        assert exact_cost(snapshot, met.exact, 20_000_000) == spare


@pytest.mark.parametrize(
    ("path", "values"),
    [(f"{TOP}.rate", (STEP, 75 * STEP)), (f"{TOP}.cap", (0, 12_345_600)), (f"{TOP}.select.top", (1, 2, 5))],
)
def test_each_point_of_a_range_is_a_run_of_its_own(path: str, values: tuple[Fraction | int, ...]) -> None:
    snapshot = market_of([10**10, 3 * 10**9, 3 * 10**9, 7])
    arm = Reformed(city_scheme(), snapshot)
    _, cells = points_of(arm, YEAR, RangeAsked(path, values))
    for value, cell in zip(values, cells, strict=True):
        stated = (
            percent(Fraction(value))
            if "rate" in path
            else f"{int(value) / 100:.2f}"
            if "cap" in path
            else value
        )
        alone = evaluate(apply_reform(arm.scheme, {path: stated}), Snapshot.of(snapshot.candidates), YEAR)
        assert cell.total_fen == alone.total_fen


def test_where_awards_limit_one_another_no_kink_is_told_and_tiers_have_no_rate() -> None:
    pooled = apply_reform(city_scheme(), {"enterprise_cap": {"2025-01-01": "100000.00"}})
    arm = Reformed(pooled, market_of([10**9]))
    assert RatedClause(arm, YEAR, TOP).kinks(Fraction(0), Fraction(1)) is None
    _, met = meeting_of(arm, YEAR, MeetAsked(TOP, 10**9, STEP))
    assert met.exact is None
    with pytest.raises(RateNotSingle):
        RatedClause(Reformed(shapes_scheme(), market_of([5])), YEAR, "project-tiers")


def test_a_floor_holds_a_line_up_until_the_rate_lifts_it() -> None:
    floored = apply_reform(city_scheme(), {f"{TOP}.floor": "1000.00"})
    ground = RatedClause(Reformed(floored, Snapshot.of([firm("A", "100000.00")])), YEAR, TOP)
    told = [
        (kink.rate, kink.effect.value, kink.open_base)
        for kink in ground.kinks(Fraction(0), Fraction(2)) or ()
    ]
    assert told == [
        (Fraction(1, 100), "floor-released", Fraction(10_000_000)),
        (Fraction(2), "cap-bound", Fraction(0)),
    ]
    with pytest.raises(BudgetNotMet, match=r"1,000\.00"):
        meeting_of(ground.arm, YEAR, MeetAsked(TOP, 99_999, STEP))


def test_one_question_has_one_spelling() -> None:
    over = {"path": f"{TOP}.rate", "first": "0.50%", "step": "0.1%", "count": 2}
    assert read_question({"range": over}).stated == read_question({"range": over | {"first": "0.5%"}}).stated
    assert replace(read_question({"set": {"a": 1}}), changes={}).over is None
