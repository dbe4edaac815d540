"""Properties of the evaluator, and its agreement with the two rules written out in plain Python."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.money import percent, yuan
from datamarket.subsidy.evaluator.explain import explain
from datamarket.subsidy.evaluator.limits import BudgetExceeded
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.grid import Cell, grid_of
from datamarket.subsidy.studies.reform import apply_reform
from datamarket.subsidy.terms import Candidate, FactValue, Line, LineStatus, Result, Snapshot, StepKind, Unit
from tests.cases.builders import ORDINARY_CASE, city_scheme, firm, shapes_scheme

CITY, SHAPES = city_scheme(), shapes_scheme()
EXCLUDE_ALL = city_scheme(("ties: include_all", "ties: exclude_all"))
CASE_CAP, TURNOVER_CAP, YEAR = 100_000_000, 20_000_000, 2026

# few distinct turnovers make ties likely; the others sit around the caps and far beyond exact doubles
turnovers = st.one_of(
    st.integers(-3, 12),
    st.integers(1_999_999_998, 2_000_000_002),
    st.integers(0, 10**9),
    st.integers(0, 2**60),
)
investments = st.one_of(st.integers(-3, 30), st.integers(333_333_330, 333_333_336), st.integers(0, 2**60))
truths = st.sampled_from([True, True, True, True, False])
counts = st.integers(0, 3)


def _given(facts: dict[str, FactValue | None]) -> dict[str, FactValue]:
    return {name: value for name, value in facts.items() if value is not None}


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Up to fourteen enterprises and six cases; some facts are missing, some conditions fail."""
    rows = []
    for index in range(draw(st.integers(0, 14))):
        facts: dict[str, FactValue | None] = {
            "net_platform_turnover": draw(st.one_of(st.none(), turnovers, turnovers, turnovers)),
            "registered_in_city": draw(truths),
            "suspended": not draw(truths),
            "contracts": draw(counts),
            "first_settled": f"2026-01-{index + 1:02d}T00:00:00.000000+00:00",
        }
        rows.append(Candidate(Unit.ENTERPRISE, f"E{index}", f"E{index}", "", _given(facts)))
    for index in range(draw(st.integers(0, 6))):
        facts = {
            "verified_investment": draw(st.one_of(st.none(), investments, investments, investments)),
            **{name: value if draw(truths) else not value for name, value in ORDINARY_CASE.items()},
        }
        if draw(truths):
            rows.append(
                Candidate(Unit.PROJECT, f"P{index}", f"E{draw(st.integers(0, 3))}", "", _given(facts))
            )
            continue
        weights = draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))
        shares = {f"E{place}": Fraction(weight, sum(weights)) for place, weight in enumerate(weights)}
        facts["shares"] = " ".join(f"{owner}={part}" for owner, part in shares.items())
        for owner in shares:
            known = facts | {"suspended": not draw(truths)}
            rows.append(Candidate(Unit.PROJECT, f"P{index}/{owner}", owner, "", _given(known)))
    return Snapshot.of(rows)


def part_by_hand(case: Candidate, award: int) -> int:
    """Of a joint project: everyone the whole fen of its share, then a fen each to the largest remainders."""
    stated = str(case.facts.get("shares", f"{case.enterprise}=1"))
    exact = {owner: award * Fraction(part) for owner, part in (one.split("=") for one in stated.split())}
    left = award - sum(int(part) for part in exact.values())
    first = sorted(exact, key=lambda owner: (int(exact[owner]) - exact[owner], owner))[:left]
    return int(exact[case.enterprise]) + (case.enterprise in first)


def oracle(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    """The two awards, as a programmer would write them out by hand: whole numbers only."""
    awards = {}
    for case in snapshot.of_unit(Unit.PROJECT):
        eligible = all(case.facts.get(name) is value for name, value in ORDINARY_CASE.items())
        base = int(case.facts.get("verified_investment", 0)) if eligible else 0
        award = min((max(base, 0) * 30 + 50) // 100, CASE_CAP)
        awards["typical-case", case.id] = part_by_hand(case, award)
    turnover = {
        row.id: int(row.facts.get("net_platform_turnover", 0))
        for row in snapshot.of_unit(Unit.ENTERPRISE)
        if row.facts["registered_in_city"] and not row.facts["suspended"]
    }
    for row in snapshot.of_unit(Unit.ENTERPRISE):
        base = max(turnover.get(row.id, 0), 0)
        ahead = sum(1 for other in turnover.values() if other > base)
        awards["top-ten-turnover", row.id] = min((base + 50) // 100, TURNOVER_CAP) if ahead < 10 else 0
    return awards


def amounts(result: Result) -> dict[tuple[str, str], int]:
    """The result's awards by clause and candidate."""
    return {(line.clause, line.candidate): line.amount_fen for line in result.lines}


@given(snapshots())
def test_the_evaluator_agrees_with_the_rules_written_by_hand(snapshot: Snapshot) -> None:
    assert amounts(evaluate(CITY, snapshot, YEAR)) == oracle(snapshot)


@given(st.integers(0, 2**60), st.lists(st.integers(1, 99), min_size=2, max_size=6))
def test_the_parts_of_a_joint_project_add_up_to_what_it_would_get_alone(
    investment: int, weights: list[int]
) -> None:
    shares = " ".join(f"E{place}={Fraction(weight, sum(weights))}" for place, weight in enumerate(weights))
    known = {**ORDINARY_CASE, "verified_investment": investment}
    alone = Candidate(Unit.PROJECT, "P", "E0", "", known)
    joint = [
        Candidate(Unit.PROJECT, f"P/E{place}", f"E{place}", "", known | {"shares": shares})
        for place in range(len(weights))
    ]
    whole, parted = (evaluate(CITY, Snapshot.of(rows), YEAR) for rows in ([alone], joint))
    assert parted.total_fen == whole.total_fen


@given(st.data())
def test_the_order_of_candidates_changes_no_hash(data: st.DataObject) -> None:
    snapshot = data.draw(snapshots())
    shuffled = Snapshot.of(data.draw(st.permutations(snapshot.candidates)))
    assert evaluate(CITY, shuffled, YEAR).sha256 == evaluate(CITY, snapshot, YEAR).sha256


def with_everywhere(name: str, value: str) -> Scheme:
    """The city's scheme with one dated parameter of both clauses set."""
    document = CITY.to_json()
    for clause in document["clauses"]:
        clause[name] = {"2024-01-01": value}
    return Scheme.model_validate(document)


def never_lower(snapshot: Snapshot, lower: Scheme, higher: Scheme) -> bool:
    """Whether no award is lower under the second scheme."""
    before, after = amounts(evaluate(lower, snapshot, YEAR)), amounts(evaluate(higher, snapshot, YEAR))
    return all(before[key] <= after[key] for key in before)


@given(snapshots(), st.integers(0, 1000), st.integers(0, 1000))
def test_a_higher_rate_never_lowers_an_award(snapshot: Snapshot, one: int, two: int) -> None:
    lower, higher = (with_everywhere("rate", percent(Fraction(n, 1000))) for n in sorted((one, two)))
    assert never_lower(snapshot, lower, higher)


@given(snapshots(), st.integers(0, 10**10), st.integers(0, 10**10))
def test_a_higher_cap_never_lowers_an_award(snapshot: Snapshot, one: int, two: int) -> None:
    lower, higher = (with_everywhere("cap", yuan(fen)) for fen in sorted((one, two)))
    assert never_lower(snapshot, lower, higher)


LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {"budget": {"amount": {"2024-01-01": "150000.00"}, "when_exceeded": "stop"}},
    {"budget": {"amount": {"2024-01-01": "150000.00"}, "when_exceeded": "pro_rata"}},
    {"enterprise_cap": {"2024-01-01": "90000.00"}},
    {"stacking": [{"group": ["typical-case", "top-ten-turnover"], "rule": "highest_only"}]},
)
ROUNDINGS = (
    {"to": "0.01", "mode": "half_up"},
    {"to": "0.10", "mode": "half_even"},
    {"to": "1.00", "mode": "down"},
)


@given(snapshots(), st.data())
def test_every_cell_of_a_grid_is_what_its_single_arm_says(snapshot: Snapshot, data: st.DataObject) -> None:
    clause_id = data.draw(st.sampled_from(("typical-case", "top-ten-turnover")))
    floor = data.draw(st.sampled_from((None, {"2024-01-01": "5.00"})))
    thousandths = data.draw(st.lists(st.integers(0, 1000), min_size=1, max_size=3))
    cap_yuan = data.draw(st.lists(st.integers(5, 10**6), min_size=1, max_size=3))
    document = CITY.to_json() | data.draw(st.sampled_from(LIMITS))
    clause = next(clause for clause in document["clauses"] if clause["id"] == clause_id)
    clause |= {"round": data.draw(st.sampled_from(ROUNDINGS)), "floor": floor}
    rates, caps = [Fraction(n, 1000) for n in thousandths], [yuan_of * 100 for yuan_of in cap_yuan]
    scheme = Scheme.model_validate(document)
    grid = grid_of(scheme, snapshot, YEAR, clause_id, rates=rates, caps=caps)
    for rate, row in zip(rates, grid, strict=True):
        for cap, cell in zip(caps, row, strict=True):
            clause |= {"rate": {"2024-01-01": percent(rate)}, "cap": {"2024-01-01": yuan(cap)}}
            try:
                arm = evaluate(Scheme.model_validate(document), snapshot, YEAR)
            except BudgetExceeded:
                assert (cell.total_fen, cell.recipients) == (None, None)
                continue
            paid = {line.enterprise for line in arm.lines if line.amount_fen}
            bound = sum(line.cap_bound for line in arm.lines if line.clause == clause_id)
            assert cell == Cell(arm.total_fen, len(paid), bound)


@given(snapshots())
@pytest.mark.edge(24)
def test_no_award_exceeds_its_cap_and_lines_add_up(snapshot: Snapshot) -> None:
    result = evaluate(CITY, snapshot, YEAR)
    assert all(0 <= line.amount_fen <= (line.cap_fen or 0) for line in result.lines if line.amount_fen)
    assert result.total_fen == sum(amounts(result).values())
    assert len(result.lines) == len(snapshot.candidates)


@given(snapshots())
def test_the_cap_binds_exactly_when_the_product_is_above_it(snapshot: Snapshot) -> None:
    for line in evaluate(CITY, snapshot, YEAR).lines:
        if line.status is LineStatus.PROPOSED:
            share, cap = (30, CASE_CAP) if line.clause == "typical-case" else (1, TURNOVER_CAP)
            assert line.cap_bound is ((line.base_fen or 0) * share > cap * 100)


@given(snapshots(), st.integers(0, 2**60))
def test_an_ineligible_candidate_changes_nobody_elses_line(snapshot: Snapshot, turnover: int) -> None:
    stranger = firm("X", yuan(turnover % 10**15), suspended=True)
    before = evaluate(CITY, snapshot, YEAR).lines
    after = evaluate(CITY, Snapshot.of([*snapshot.candidates, stranger]), YEAR).lines
    assert before == tuple(line for line in after if line.candidate != "X")


@given(snapshots())
def test_without_ties_at_the_cut_every_tie_rule_pays_the_same(snapshot: Snapshot) -> None:
    included, excluded = evaluate(CITY, snapshot, YEAR), evaluate(EXCLUDE_ALL, snapshot, YEAR)
    assert excluded.total_fen <= included.total_fen
    if not included.ties_at_cut:
        assert amounts(included) == amounts(excluded)


@given(snapshots())
def test_the_richer_scheme_keeps_its_cap_its_pool_and_its_one_award_an_enterprise(snapshot: Snapshot) -> None:
    scheme = apply_reform(SHAPES, {"first-two.select.ties": "include_all"})
    result = evaluate(scheme, snapshot, YEAR)
    assert result.total_fen <= 200_000_000
    if any(line.steps_of(StepKind.BUDGET) for line in result.lines):
        assert result.total_fen == 200_000_000
    by_enterprise: dict[str, list[Line]] = {}
    for line in result.lines:
        if line.amount_fen:
            by_enterprise.setdefault(line.enterprise, []).append(line)
    for lines in by_enterprise.values():
        assert sum(line.amount_fen for line in lines) <= 120_000_000
        assert len([line for line in lines if line.clause in ("volume", "first-two")]) <= 1


@given(snapshots())
def test_snapshots_and_results_survive_storage_and_can_be_explained(snapshot: Snapshot) -> None:
    scheme = apply_reform(SHAPES, {"first-two.select.ties": "include_all"})
    result = evaluate(scheme, snapshot, YEAR)
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))).sha256 == snapshot.sha256
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result
    for line in result.lines:
        told = explain(line, scheme, YEAR)
        assert told.zh.endswith("。")
        assert told.en.endswith(".")
