"""What-if: a reform sets only what it may, and each change carries its reason."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.reform import (
    ReformChangesNothing,
    ReformInvalid,
    ReformPathUnknown,
    allowed_paths,
    apply_reform,
)
from datamarket.subsidy.studies.whatif import NO_EFFECT, DifferentInputs, Move, WhatIf, compare, what_if
from datamarket.subsidy.terms import Candidate, Snapshot
from tests.cases.builders import case, city_scheme, firm, firms, run, shapes_scheme

TWELVE = firms(*[f"{30 - index}000000.00" for index in range(10)], "900000.00", "800000.00")


def arms(scheme: Scheme, changes: Mapping[str, Any], *candidates: Candidate) -> WhatIf:
    """Both arms for 2025."""
    return what_if(scheme, changes, Snapshot.of(candidates), 2025)


def test_more_places_let_the_next_ones_in() -> None:
    outcome = arms(city_scheme(), {"top-ten-turnover.select.top": {"2025-01-01": 12}}, *TWELVE)
    entered = outcome.comparison.moved(Move.ENTERED)
    assert [(change.candidate, change.after_fen, change.reason) for change in entered] == [
        ("F11", 900_000, "rank-in"),
        ("F12", 800_000, "rank-in"),
    ]
    assert outcome.comparison.delta_fen == 1_700_000
    assert (outcome.comparison.recipients_before, outcome.comparison.recipients_after) == (10, 12)


def test_fewer_places_put_the_last_one_out() -> None:
    outcome = arms(city_scheme(), {"top-ten-turnover.select.top": 9}, *TWELVE)
    assert [(change.candidate, change.reason) for change in outcome.comparison.moved(Move.LEFT)] == [
        ("F10", "rank-out")
    ]


def test_a_higher_rate_lifts_those_below_the_cap_only() -> None:
    field = firms("30000000.00", "1000000.00")
    comparison = arms(city_scheme(), {"top-ten-turnover.rate": {"2024-01-01": "1.5%"}}, *field).comparison
    moves = {change.candidate: (change.move, change.reason) for change in comparison.changes}
    assert moves == {"F01": (Move.UNCHANGED, None), "F02": (Move.UP, "rate")}


@pytest.mark.parametrize(
    ("cap", "reason"), [("500000.00", "cap-released"), ("250000.00", "cap"), ("100000.00", "cap")]
)
def test_a_change_of_the_cap_is_told_apart(cap: str, reason: str) -> None:
    comparison = arms(
        city_scheme(), {"top-ten-turnover.cap": {"2024-01-01": cap}}, *firms("30000000.00")
    ).comparison
    assert [change.reason for change in comparison.changes] == [reason]
    (clause,) = comparison.clauses
    assert (clause.cap_bound_before, clause.cap_bound_after) == (1, int(reason != "cap-released"))


def test_stacking_enterprise_cap_and_budget_have_their_own_reasons() -> None:
    field = [firm("E", "5000000.00"), case("P", "1000000.00")]
    stacked = arms(city_scheme(), {"stacking.0.rule": "highest_only"}, *field).comparison
    assert [change.reason for change in stacked.moved(Move.LEFT)] == ["stacking"]
    capped = arms(city_scheme(), {"enterprise_cap": {"2025-01-01": "100000.00"}}, *field).comparison
    assert {change.reason for change in capped.moved(Move.DOWN)} == {"enterprise-cap"}
    pool = {"budget.amount": {"2025-01-01": "100000.00"}, "budget.when_exceeded": "pro_rata"}
    pooled = arms(city_scheme(), pool, *field).comparison
    assert pooled.after_fen == 10_000_000
    assert {change.reason for change in pooled.moved(Move.DOWN)} == {"budget"}


def test_a_dated_change_leaves_the_other_dates_alone() -> None:
    reformed = apply_reform(shapes_scheme(), {"volume.rate": {"2025-01-01": "2%"}})
    (volume, *_) = reformed.clauses
    assert volume.rate is not None
    assert [str(day) for day in volume.rate.root] == ["2025-01-01", "2026-07-01"]
    assert shapes_scheme() != reformed


def test_a_parameter_may_be_removed() -> None:
    (clause, *_) = apply_reform(city_scheme(), {"typical-case.cap": None}).clauses
    assert clause.cap is None


@pytest.mark.parametrize(
    "path",
    ["", "rate", "typical-case", "typical-case.id", "typical-case.when", "typical-case.select.top", "other.rate",
     "valid.from", "top-ten-turnover.select", "stacking.1.rule", "typical-case.rate.2024-01-01"],
)  # fmt: skip
def test_an_unknown_path_is_refused_and_the_known_ones_are_listed(path: str) -> None:
    with pytest.raises(ReformPathUnknown) as refused:
        apply_reform(city_scheme(), {path: {"2024-01-01": "1%"}})
    assert "top-ten-turnover.select.top" in refused.value.sentence("en")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("typical-case.rate", {"2024-01-01": 1}),
        ("typical-case.rate", {"someday": "1%"}),
        ("typical-case.rate", None),
        ("typical-case.cap", {"2024-01-01": "-1.00"}),
        ("typical-case.floor", {"2024-01-01": "1000000.01"}),
        ("top-ten-turnover.select.top", {"2024-01-01": 0}),
        ("top-ten-turnover.select.ties", "shuffle"),
        ("budget.amount", {"2024-01-01": "1.00"}),
        ("typical-case.cap", [1]),
    ],
)
def test_a_value_that_the_format_refuses_is_refused_here_too(path: str, value: object) -> None:
    with pytest.raises(ReformInvalid) as refused:
        apply_reform(city_scheme(), {path: value})
    assert refused.value.sentence("zh")


def test_a_reform_keeps_within_the_validators() -> None:
    with pytest.raises(ReformInvalid, match="validators"):
        apply_reform(shapes_scheme(), {"volume.rate": {"2025-01-01": "4%"}})


@pytest.mark.parametrize("changes", [{}, {"typical-case.rate": {"2024-01-01": "0.30"}}])
def test_a_reform_that_changes_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ReformChangesNothing):
        apply_reform(city_scheme(), changes)


@pytest.mark.edge(65)
def test_a_change_without_effect_in_the_year_is_noticed() -> None:
    outcome = arms(city_scheme(), {"top-ten-turnover.rate": {"2030-01-01": "2%"}}, *TWELVE)
    assert outcome.comparison.notice == NO_EFFECT
    assert outcome.baseline.sha256 == outcome.reform.sha256


@pytest.mark.edge(66)
def test_results_of_other_years_cannot_be_compared_and_other_facts_are_named_as_the_reason() -> None:
    scheme = city_scheme()
    with pytest.raises(DifferentInputs):
        compare(run(scheme, year=2024), run(scheme, year=2025))
    (change,) = compare(run(scheme, *firms("1000.00")), run(scheme, *firms("2000.00"))).changes
    assert (change.move, change.reason) == (Move.UP, "base")


def test_a_whole_new_draft_is_compared_clause_by_clause() -> None:
    snapshot = Snapshot.of([*firms("5000000.00"), case("P", "1000.00")])
    comparison = compare(run(city_scheme(), *snapshot.candidates), run(shapes_scheme(), *snapshot.candidates))
    assert {change.reason for change in comparison.changes} <= {"clause", None}
    assert comparison.to_json()["moves"]["left"] == 2


def test_every_listed_path_can_be_set() -> None:
    scheme = shapes_scheme(("    tiers:", "    tiers: "))
    assert "stacking.0.rule" in allowed_paths(scheme)
    for path, value in {
        "volume.floor": {"2025-01-01": "10.00"},
        "project-tiers.tiers": {"2025-01-01": [{"above": "0.00", "rate": "1%"}]},
        "volume.require_base_above": "5.00",
        "volume.rate_basis_date": "period_start",
        "first-two.select.among": "eligible",
        "first-two.select.ties": "stop",
        "stacking.0.rule": "all",
        "budget.when_exceeded": "stop",
        "enterprise_cap": None,
    }.items():
        assert path in allowed_paths(scheme)
        assert apply_reform(scheme, {path: value}) != scheme


def test_arms_choose_once_where_a_reform_only_prices_and_say_what_they_would_say_alone() -> None:
    scheme, shared, alone = city_scheme(), Snapshot.of(TWELVE), Snapshot.of(TWELVE)
    evaluate(scheme, shared, 2025)
    chosen = len(shared.chosen)
    prices = {f"top-ten-turnover.{path}": None for path in ("cap", "rate")}
    for changes in (
        prices,
        {"top-ten-turnover.select.top": 2},
        {"top-ten-turnover.require_base_above": "900000.00"},
    ):
        reformed = apply_reform(scheme, {**changes, "top-ten-turnover.rate": {"2024-01-01": "2%"}})
        alone.chosen.clear()
        assert evaluate(reformed, shared, 2025) == evaluate(reformed, alone, 2025)
        assert len(shared.chosen) == chosen + (changes is not prices)
        chosen = len(shared.chosen)
    assert evaluate(scheme, replace(shared, candidates=()), 2025).lines == ()


def test_a_plain_value_holds_throughout() -> None:
    scheme = city_scheme()
    dated = apply_reform(scheme, {"top-ten-turnover.rate": {"2024-01-01": "1.5%"}})
    assert apply_reform(scheme, {"top-ten-turnover.rate": "1.5%"}) == dated
    assert apply_reform(scheme, {"top-ten-turnover.cap": None}) != scheme
