"""What a reviewer is shown: flags on lines, and rings of sellers told once each."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import datamarket
from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.facts import review
from datamarket.subsidy.facts.review import Edge, Flag, Ring
from datamarket.subsidy.terms import Line, LineStatus, StepKind

RULES = review.review_rules()


def ranked(rank: int, *, top: int = 10, tied: bool = False, related: int = 0, base: int = 100) -> Line:
    line = Line("top", f"E{rank:02d}", f"E{rank:02d}", base_fen=base, amount_fen=1 if rank <= top else 0)
    line = line.then(StepKind.BASE, {"base_fen": base, "related_party_turnover_fen": related})
    return replace(line.then(StepKind.RANK, {"rank": rank, "top": top, "tied_at_cut": tied}), rank=rank)


@pytest.mark.parametrize("rank", range(1, 20))
def test_ranks_eight_to_thirteen_of_a_top_ten_are_near_the_cut(rank: int) -> None:
    flags = review.flags_of(ranked(rank), circular=False, rules=RULES)
    assert (Flag.NEAR_CUT in flags) == (8 <= rank <= 13)


def test_a_tie_across_the_cut_and_a_bound_cap_are_shown() -> None:
    line = replace(ranked(10, tied=True), cap_bound=True)
    assert review.flags_of(line, circular=False, rules=RULES) == [Flag.TIE, Flag.NEAR_CUT, Flag.CAP_BOUND]


def test_more_than_a_tenth_of_related_sales_is_shown_exactly_a_tenth_is_not() -> None:
    assert Flag.RELATED_PARTY not in review.flags_of(
        ranked(1, base=900, related=100), circular=False, rules=RULES
    )
    assert Flag.RELATED_PARTY in review.flags_of(
        ranked(1, base=899, related=101), circular=False, rules=RULES
    )


def test_a_held_line_is_shown_as_held_and_one_that_fails_a_condition_not_at_all() -> None:
    held = Line("case", "C1", "E1", status=LineStatus.HELD)
    assert review.flags_of(held, circular=False, rules=RULES) == [Flag.HELD]
    out = replace(ranked(9), status=LineStatus.INELIGIBLE)
    assert review.flags_of(out, circular=True, rules=RULES) == []


def test_circular_trades_matter_for_who_is_paid_or_near_the_cut() -> None:
    assert Flag.CIRCULAR in review.flags_of(ranked(2), circular=True, rules=RULES)
    assert Flag.CIRCULAR not in review.flags_of(ranked(19), circular=True, rules=RULES)


def ring(*sellers: str, amount: int = 100) -> Ring:
    buyers = (*sellers[1:], sellers[0])
    return tuple(Edge(a, b, amount, 1) for a, b in zip(sellers, buyers, strict=True))


@given(st.permutations(["A", "B", "C", "D"]), st.integers(min_value=0, max_value=3))
def test_a_ring_is_one_ring_wherever_its_telling_begins(order: list[str], turn: int) -> None:
    told = ring(*order)
    turned = (*told[turn:], *told[:turn])
    [kept] = review.distinct_rings([told, turned])
    assert kept[0].seller == "A"
    assert set(kept) == set(told)


def test_the_two_directions_of_three_are_two_rings_and_the_largest_comes_first() -> None:
    small, large = ring("A", "B", "C", amount=5), ring("A", "C", "B", amount=9)
    assert review.distinct_rings([small, large]) == [large, small]


def test_an_edge_on_two_rings_counts_once() -> None:
    pair, three = ring("A", "B", amount=7), ring("A", "B", "C", amount=7)
    assert review.circular_turnover([pair, three]) == {"A": 7, "B": 14, "C": 7}


def test_the_engine_is_named_by_the_text_of_the_rules() -> None:
    assert engine.engine_id() == engine.engine_id()


def test_every_module_of_scheme_and_evaluator_and_what_they_stand_on_is_part_of_the_engine() -> None:
    """Whatever they import of the package decides as well; only errors and words of the ground do not."""
    root = Path(datamarket.__path__[0])
    rooms = [*(root / "subsidy/scheme").glob("*.py"), *(root / "subsidy/evaluator").glob("*.py")]
    assert {path.relative_to(root).as_posix() for path in rooms} <= set(engine.deciding())
    assert engine.deciding() == sorted(set(engine.deciding()))
    imported = set()
    for name in engine.deciding():
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8"))):
            match node:
                case ast.ImportFrom(module=str(module), names=names) if module.startswith("datamarket."):
                    imported |= {module, *(f"{module}.{alias.name}" for alias in names)}
    paths = {module.removeprefix("datamarket.").replace(".", "/") + ".py" for module in imported}
    besides = {"foundation/errors.py", "foundation/states.py"}
    assert {path for path in paths if (root / path).is_file()} <= set(engine.deciding()) | besides
