"""The evaluator, case by case: conditions, base, rank, amounts, dates."""

import pytest

from datamarket.foundation.money import parse_yuan
from datamarket.subsidy.evaluator.ranking import TieAtCut, TieUnresolved
from datamarket.subsidy.evaluator.rules import YearNotCovered
from datamarket.subsidy.terms import (
    Candidate,
    DuplicateCandidate,
    LineStatus,
    Result,
    Snapshot,
    StepKind,
    Unit,
)
from tests.cases.builders import case, city_scheme, firm, firms, line_of, paid, run, shapes_scheme, ties

NINE = [f"{9 - index}000000.00" for index in range(9)]  # nine clear leaders, 9 down to 1 million
ALL_RULES = ["include_all", "exclude_all", "{tiebreak: [-contracts, first_settled]}", "stop"]


@pytest.mark.parametrize(
    ("investment", "award", "bound"),
    [
        ("2000000.00", "600000.00", False),
        ("3333333.33", "1000000.00", False),
        ("3333333.34", "1000000.00", True),
        ("3333333.35", "1000000.00", True),
        ("5000000.00", "1000000.00", True),
        ("100.05", "30.02", False),
        ("0.01", "0.00", False),
    ],
)
@pytest.mark.edge(15)
def test_a_case_gets_thirty_percent_and_the_cap_binds_only_above_it(
    investment: str, award: str, bound: bool
) -> None:
    line = line_of(run(city_scheme(), case("P", investment)), "P")
    assert (line.amount_fen, line.cap_bound, line.status) == (parse_yuan(award), bound, LineStatus.PROPOSED)


@pytest.mark.parametrize(("turnover", "bound"), [("20000000.00", False), ("20000000.01", True)])
@pytest.mark.edge(13)
@pytest.mark.edge(14)
def test_twenty_million_is_exactly_at_the_cap_and_one_fen_more_is_bound(turnover: str, bound: bool) -> None:
    line = line_of(run(city_scheme(), firm("A", turnover)), "A")
    assert (line.amount_fen, line.cap_bound) == (20_000_000, bound)


@pytest.mark.parametrize(
    ("mode", "first", "second"), [("half_up", 3002, 3005), ("half_even", 3002, 3004), ("down", 3001, 3004)]
)
@pytest.mark.edge(16)
def test_half_a_fen_goes_where_the_scheme_says(mode: str, first: int, second: int) -> None:
    scheme = city_scheme(("mode: half_up", f"mode: {mode}"))
    assert paid(run(scheme, case("A", "100.05"), case("B", "100.15"))) == {"A": first, "B": second}


@pytest.mark.edge(1)
def test_a_tie_across_rank_ten_pays_eleven_none_of_the_two_the_better_one_or_stops() -> None:
    tied = [firm("T1", "500000.00", contracts=3), firm("T2", "500000.00", contracts=7)]
    field = [*firms(*NINE), *tied]
    nine = {f"F{index:02d}" for index in range(1, 10)}
    assert set(paid(run(city_scheme(ties(ALL_RULES[0])), *field))) == nine | {"T1", "T2"}
    assert set(paid(run(city_scheme(ties(ALL_RULES[1])), *field))) == nine
    assert set(paid(run(city_scheme(ties("{tiebreak: [-contracts]}")), *field))) == nine | {"T2"}
    with pytest.raises(TieAtCut) as stopped:
        run(city_scheme(ties(ALL_RULES[3])), *field)
    assert stopped.value.code == "subsidy.tie-at-cut"
    assert "T1, T2" in stopped.value.sentence("zh")


def test_a_tie_at_the_cut_is_counted_and_shown_on_both_lines() -> None:
    result = run(city_scheme(), *firms(*NINE), firm("T1", "5000.00"), firm("T2", "5000.00"))
    (step,) = line_of(result, "T1").steps_of(StepKind.RANK)
    assert result.ties_at_cut == 1
    assert (
        step.figures["rank"],
        step.figures["of"],
        step.figures["tied_with"],
        step.figures["tied_at_cut"],
    ) == (
        10,
        11,
        1,
        True,
    )


@pytest.mark.edge(2)
def test_a_three_way_tie_at_nine_to_eleven_takes_two_by_tiebreak() -> None:
    early, late = "2025-01-02T00:00:00.000000+00:00", "2025-03-02T00:00:00.000000+00:00"
    tied = [
        firm(name, "500000.00", contracts=2, first_settled=at)
        for name, at in zip("XYZ", [late, early, early], strict=True)
    ]
    result = run(city_scheme(ties(ALL_RULES[2])), *firms(*NINE[:8]), *tied)
    assert {"Y", "Z"} <= set(paid(result))
    assert line_of(result, "X").status is LineStatus.NOT_SELECTED
    assert line_of(result, "X").rank == 9


@pytest.mark.edge(3)
def test_all_tied_are_all_in_or_all_out() -> None:
    field = firms(*["100.00"] * 12)
    assert len(paid(run(city_scheme(), *field))) == 12
    assert paid(run(city_scheme(ties("exclude_all")), *field)) == {}


@pytest.mark.parametrize("rule", ALL_RULES)
@pytest.mark.edge(4)
def test_a_tie_away_from_the_cut_has_no_effect(rule: str) -> None:
    field = [firm("A", "9500000.00"), firm("B", "9500000.00"), *firms(*NINE)]
    result = run(city_scheme(ties(rule)), *field)
    assert len(paid(result)) == 10
    assert result.ties_at_cut == 0
    assert line_of(result, "F01").rank == 3


@pytest.mark.parametrize("facts", [{}, {"contracts": 4, "first_settled": "2025-01-01T00:00:00.000000+00:00"}])
@pytest.mark.edge(9)
def test_a_tiebreak_that_still_ties_or_lacks_its_fact_refuses(facts: dict[str, int | str]) -> None:
    tied = [firm("T1", "500000.00", **facts), firm("T2", "500000.00", **facts)]
    with pytest.raises(TieUnresolved) as refused:
        run(city_scheme(ties(ALL_RULES[2])), *firms(*NINE), *tied)
    assert refused.value.code == "subsidy.tie-unresolved"


def test_a_tiebreak_that_lacks_a_fact_names_it_and_who_lacks_it() -> None:
    tied = [firm("T1", "500000.00", contracts=4), firm("T2", "500000.00")]
    with pytest.raises(TieUnresolved) as refused:
        run(city_scheme(ties("{tiebreak: [-contracts]}")), *firms(*NINE), *tied)
    assert "'contracts' (number of contracts) is missing of T2" in refused.value.sentence("en")
    assert "T2 缺少“合同数”" in refused.value.sentence("zh")


@pytest.mark.edge(5)
def test_one_fen_at_rank_ten_decides_above_two_to_the_24_yuan() -> None:
    field = [
        *firms(*[f"{30 - index}000000.00" for index in range(9)]),
        firm("T1", "16777217.01"),
        firm("T2", "16777217.00"),
    ]
    result = run(city_scheme(ties("stop")), *field)
    assert line_of(result, "T1").amount_fen == 16_777_217
    assert line_of(result, "T2").amount_fen == 0


@pytest.mark.parametrize("count", [0, 3, 9, 10])
@pytest.mark.edge(6)
def test_fewer_than_ten_are_all_paid(count: int) -> None:
    field = firms(*[f"{index}00.00" for index in range(1, count + 1)])
    assert len(paid(run(city_scheme(), *field))) == count


@pytest.mark.edge(7)
def test_a_suspended_leader_leaves_its_slot_or_keeps_it_as_the_scheme_says() -> None:
    field = [firm("S", "99000000.00", suspended=True), *firms(*NINE, "500000.00")]
    assert len(paid(run(city_scheme(), *field))) == 10
    slot_lost = run(city_scheme(("among: eligible", "among: all")), *field)
    assert len(paid(slot_lost)) == 9
    assert line_of(slot_lost, "S").status is LineStatus.INELIGIBLE
    assert line_of(slot_lost, "S").rank == 1


def test_the_distance_to_the_cut_is_told_on_both_sides() -> None:
    result = run(city_scheme(), *firms(*NINE, "500000.00", "499999.90"))
    (last_in,), (first_out,) = (line_of(result, name).steps_of(StepKind.RANK) for name in ("F10", "F11"))
    assert last_in.figures["distance_fen"] == first_out.figures["distance_fen"] == 10
    assert (last_in.figures["selected"], first_out.figures["selected"]) == (True, False)


@pytest.mark.parametrize("turnover", ["0.00", "-1.00"])
@pytest.mark.edge(10)
@pytest.mark.edge(17)
@pytest.mark.edge(18)
def test_a_turnover_that_is_not_above_zero_never_ranks_and_never_pays(turnover: str) -> None:
    line = line_of(run(city_scheme(), firm("A", "5.00"), firm("Z", turnover)), "Z")
    assert (line.status, line.rank, line.amount_fen) == (LineStatus.NOT_SELECTED, None, 0)


@pytest.mark.edge(19)
def test_what_is_missing_is_held_and_what_is_zero_is_not() -> None:
    result = run(city_scheme(), case("M", None), case("Z", "0.00"), firm("T", None))
    statuses = {line.candidate: line.status for line in result.lines}
    assert statuses == {"M": LineStatus.HELD, "Z": LineStatus.NOT_SELECTED, "T": LineStatus.HELD}


def test_an_unknown_condition_holds_and_a_failed_one_outweighs_it() -> None:
    unknown = Candidate(Unit.PROJECT, "U", "E", "", {"verified_investment": 100, "registered_in_city": True})
    failed = Candidate(Unit.PROJECT, "N", "E", "", {"registered_in_city": False})
    result = run(city_scheme(), unknown, failed)
    assert line_of(result, "U").status is LineStatus.HELD
    assert line_of(result, "N").status is LineStatus.INELIGIBLE


@pytest.mark.parametrize(
    "facts",
    [
        {"registered_in_city": False},
        {"suspended": True},
        {"case_listed_in_period": False},
        {"claimed_before": True},
    ],
)
def test_each_condition_alone_makes_a_case_ineligible_and_the_line_says_what_was_seen(
    facts: dict[str, bool],
) -> None:
    line = line_of(run(city_scheme(), case("P", "1000.00", "E", **facts)), "P")
    (failed,) = [step for step in line.steps_of(StepKind.CONDITION) if step.figures["ok"] is False]
    (name,) = facts
    assert line.status is LineStatus.INELIGIBLE
    assert str(failed.figures["observed"]).startswith(f"{name}=")


def test_an_enterprise_counts_once() -> None:
    with pytest.raises(DuplicateCandidate):
        Snapshot.of([firm("A", "1.00"), firm("A", "2.00")])
    twin = Candidate(Unit.ENTERPRISE, "A-venue-2", "A", "", {})
    with pytest.raises(DuplicateCandidate):
        Snapshot.of([firm("A", "1.00"), twin])


def test_a_fact_is_never_a_binary_fraction() -> None:
    with pytest.raises(TypeError, match="neither whole number"):
        Candidate(Unit.ENTERPRISE, "A", "A", "", {"net_platform_turnover": 1 / 2})  # type: ignore[dict-item]


@pytest.mark.edge(8)
def test_the_order_of_rows_leaves_no_trace() -> None:
    field = [*firms(*NINE, "500000.00", "500000.00"), case("P1", "77.77"), case("P2", "3333333.33")]
    assert run(city_scheme(), *field).sha256 == run(city_scheme(), *reversed(field)).sha256


@pytest.mark.edge(20)
def test_a_very_large_base_stays_exact_to_the_fen() -> None:
    scheme = city_scheme(('cap: {2024-01-01: "1000000.00"}', "cap: null"))
    base = 2**53 + 1
    candidate = Candidate(Unit.PROJECT, "P", "E", "", {**case("x", None).facts, "verified_investment": base})
    assert line_of(run(scheme, candidate), "P").amount_fen == (base * 30 + 50) // 100


@pytest.mark.edge(49, part="each project's own cap")
def test_two_cases_of_one_enterprise_are_each_capped_alone() -> None:
    result = run(city_scheme(), case("P1", "4000000.00"), case("P2", "4000000.00"))
    assert paid(result) == {"P1": 100_000_000, "P2": 100_000_000}


def test_an_enterprise_may_take_both_awards_where_stacking_is_all() -> None:
    result = run(city_scheme(), firm("E", "1000000.00"), case("P", "1000000.00", enterprise="E"))
    assert paid(result) == {"E": 1_000_000, "P": 30_000_000}


@pytest.mark.parametrize(
    ("fen", "award"),
    [
        (99_999_999, 30_000_000),
        (100_000_000, 30_000_000),
        (100_000_001, 30_000_000),
        (300_000_001, 70_000_000),
    ],
)
@pytest.mark.edge(21)
def test_tiers_are_marginal_around_every_threshold(fen: int, award: int) -> None:
    candidate = Candidate(Unit.PROJECT, "P", "E", "", {**case("x", None).facts, "verified_investment": fen})
    line = line_of(run(shapes_scheme(), candidate), "P")
    assert line.amount_fen == award
    assert sum(int(step.figures["part_fen"] or 0) for step in line.steps_of(StepKind.TIER)) == fen


def volume_rate(year: int, *edits: tuple[str, str]) -> str | None:
    """The rate of the clause whose rate changes on 1 July 2026."""
    return line_of(
        run(shapes_scheme(*edits), firm("A", "2000000.00", contracts=0), year=year), "A", "volume"
    ).rate


@pytest.mark.edge(29)
def test_a_rate_that_changes_in_july_counts_by_the_declared_day() -> None:
    assert [volume_rate(year) for year in (2025, 2026, 2027)] == ["1%", "1.5%", "1.5%"]
    at_start = ("rate_basis_date: period_end", "rate_basis_date: period_start")
    assert [volume_rate(year, at_start) for year in (2025, 2026, 2027)] == ["1%", "1%", "1.5%"]


@pytest.mark.edge(30, part="a cap")
def test_a_cap_that_has_ended_no_longer_binds() -> None:
    scheme = shapes_scheme(("enterprise_cap: ", "# "), ("budget: ", "# "))
    before, after = (
        line_of(run(scheme, firm("A", "90000000.00", contracts=0), year=year), "A", "volume")
        for year in (2026, 2027)
    )
    assert (before.amount_fen, before.cap_bound) == (80_000_000, True)
    assert (after.amount_fen, after.cap_fen, after.cap_bound) == (135_000_000, None, False)


@pytest.mark.edge(30, part="a rate")
def test_a_rate_that_has_ended_pays_nothing_and_says_so() -> None:
    scheme = city_scheme(('rate: {2024-01-01: "1%"}', 'rate: {2024-01-01: "1%", 2025-07-01: null}'))
    line = line_of(run(scheme, firm("A", "5.00")), "A")
    assert (line.status, line.rate, line.amount_fen) == (LineStatus.NOT_SELECTED, None, 0)
    assert paid(run(scheme, firm("A", "5.00"), year=2024)) == {"A": 5}


def test_a_floor_lifts_a_small_award_and_never_one_below_the_threshold() -> None:
    result = run(shapes_scheme(), firm("A", "1000000.00", contracts=0), firm("B", "1000000.01", contracts=0))
    assert line_of(result, "A", "volume").status is LineStatus.NOT_SELECTED
    assert line_of(result, "B", "volume").amount_fen == 2_000_000


@pytest.mark.parametrize("year", [2023, 2028, 0, 9999, -5])
@pytest.mark.edge(31)
def test_a_year_outside_the_scheme_is_refused(year: int) -> None:
    scheme = city_scheme(("to: null", "to: 2028-01-01"))
    with pytest.raises(YearNotCovered) as refused:
        run(scheme, year=year)
    assert refused.value.code == "subsidy.year-not-covered"
    assert str(year) in refused.value.sentence("zh")


def test_an_unknown_ranking_fact_holds_the_line() -> None:
    result = run(shapes_scheme(), firm("A", "2000000.00"))
    assert line_of(result, "A", "first-two").status is LineStatus.HELD


def test_snapshot_and_result_come_back_from_their_json() -> None:
    snapshot = Snapshot.of([*firms("5.00", "0.00"), case("P", "3333333.35")])
    result = run(city_scheme(), *snapshot.candidates)
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
    assert Result.from_json(result.to_json()) == result
    assert Result.from_json(result.to_json()).sha256 == result.sha256


def test_the_steps_follow_the_fixed_pipeline() -> None:
    order = list(StepKind)
    result = run(
        shapes_scheme(), firm("A", "90000000.00", contracts=1), case("P", "9000000.00", enterprise="A")
    )
    for line in result.lines:
        places = [order.index(step.kind) for step in line.steps]
        assert places == sorted(places)
        assert line.steps[-1].figures["amount_fen"] == line.amount_fen
