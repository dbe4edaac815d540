"""Stacking, the cap of an enterprise and the budget: what awards do to one another."""

import pytest

from datamarket.foundation.money import parse_yuan
from datamarket.subsidy.evaluator.limits import BudgetExceeded, OrderUnknown
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import LineStatus, StepKind
from tests.cases.builders import case, city_scheme, firm, line_of, paid, run, shapes_scheme

THREE = [case(f"P{index}", "10000.00", enterprise=f"E{index}") for index in range(1, 4)]  # 3,000.00 each


def with_budget(amount: str, when: str) -> Scheme:
    """The city's scheme with a pool."""
    budget = f'budget: {{amount: {{2024-01-01: "{amount}"}}, when_exceeded: {when}}}\npublicity:'
    return city_scheme(("publicity:", budget))


@pytest.mark.parametrize("when", ["pro_rata", "first_come", "stop"])
@pytest.mark.edge(51, part="met exactly")
def test_a_budget_met_exactly_changes_nothing(when: str) -> None:
    assert paid(run(with_budget("9000.00", when), *THREE)) == {"P1": 300_000, "P2": 300_000, "P3": 300_000}


@pytest.mark.edge(51, part="one fen short")
def test_one_fen_short_is_taken_from_the_last_of_equals() -> None:
    result = run(with_budget("8999.99", "pro_rata"), *THREE)
    assert paid(result) == {"P1": 300_000, "P2": 300_000, "P3": 299_999}


@pytest.mark.edge(51, part="fewer fen than lines")
def test_a_pool_of_fewer_fen_than_lines_still_adds_up() -> None:
    result = run(with_budget("0.02", "pro_rata"), *THREE)
    assert paid(result) == {"P1": 1, "P2": 1}
    assert line_of(result, "P3").status is LineStatus.DISPLACED


def test_an_empty_pool_pays_nobody() -> None:
    assert paid(run(with_budget("0.00", "pro_rata"), *THREE)) == {}


def test_a_budget_may_stop_the_run_instead() -> None:
    with pytest.raises(BudgetExceeded) as stopped:
        run(with_budget("8999.99", "stop"), *THREE)
    assert "9000.00" in stopped.value.sentence("zh")


@pytest.mark.edge(52)
def test_first_come_is_served_by_instant_then_id_and_the_last_gets_the_rest() -> None:
    noon, later = "2025-03-01T04:00:00.000000+00:00", "2025-03-01T04:00:00.000001+00:00"
    field = [
        case("C", "10000.00", submitted_at=noon),
        case("B", "10000.00", submitted_at=noon),
        case("A", "10000.00", submitted_at=later),
    ]
    result = run(with_budget("4000.00", "first_come"), *field)
    assert paid(result) == {"B": 300_000, "C": 100_000}
    assert line_of(result, "A").status is LineStatus.DISPLACED


def test_first_come_without_an_instant_is_refused() -> None:
    with pytest.raises(OrderUnknown):
        run(with_budget("4000.00", "first_come"), *THREE)


def test_only_the_highest_stays_and_the_line_says_which() -> None:
    scheme = city_scheme(("rule: all", "rule: highest_only"))
    result = run(scheme, firm("E", "1000000.00"), case("P", "1000000.00"), case("Q", "2000000.00"))
    assert paid(result) == {"Q": 60_000_000}
    (step,) = line_of(result, "E").steps_of(StepKind.STACKING)
    assert (step.figures["kept_clause"], step.figures["kept_candidate"]) == ("typical-case", "Q")
    assert line_of(result, "E").status is LineStatus.DISPLACED


@pytest.mark.edge(50)
def test_of_equal_amounts_the_earlier_clause_in_the_file_stays() -> None:
    scheme = city_scheme(("rule: all", "rule: highest_only"))
    result = run(scheme, firm("E", "3000000.00"), case("P", "100000.00"))
    assert paid(result) == {"P": 3_000_000}
    assert line_of(result, "E").steps_of(StepKind.STACKING)[0].figures["equal"] is True


@pytest.mark.edge(49, part="the cap of the enterprise")
def test_the_cap_of_an_enterprise_spans_its_lines_and_nobody_elses() -> None:
    field = [case("P1", "3000000.00"), case("P2", "3000000.00"), case("Q", "3000000.00", enterprise="F")]
    result = run(shapes_scheme(("budget: ", "# ")), *field)
    assert paid(result) == {"P1": 60_000_000, "P2": 60_000_000, "Q": parse_yuan("700000.00")}


@pytest.mark.edge(51, part="remainders add up")
def test_pro_rata_lines_add_up_to_the_pool_after_the_enterprise_cap() -> None:
    field = [case(f"P{index}", "3333333.33", enterprise=f"E{index % 3}") for index in range(7)]
    result = run(shapes_scheme(), *field)
    assert result.total_fen == parse_yuan("2000000.00")
