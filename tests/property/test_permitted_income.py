"""A permitted income equals a slow model that shares no code; an excess is carried over to the last fen."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.ids import new_id
from datamarket.prices.rules import compare, permitted
from datamarket.prices.terms import NO_COSTS, Excess, IncomeItem, IncomeItemKind, IncomeOutcome
from tests.world.people import moment

AMOUNTS = st.integers(0, 10**14)
ITEMS = st.lists(st.tuples(st.sampled_from(IncomeItemKind), AMOUNTS), max_size=12)
HUNDREDTHS = st.integers(0, 1_200)


def slow(items: list[tuple[IncomeItemKind, int]], rate: Decimal, excesses: list[int]) -> int:
    """Yuan in decimals, one figure after the other."""
    cost = sum((Decimal(fen) / 100 for kind, fen in items if kind not in NO_COSTS), Decimal(0))
    aided = sum((Decimal(fen) / 100 for kind, fen in items if kind == "subsidy"), Decimal(0))
    base = sum((Decimal(fen) / 100 for kind, fen in items if kind == "base"), Decimal(0))
    tax = sum((Decimal(fen) / 100 for kind, fen in items if kind == "tax"), Decimal(0))
    profit = (base * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole = max(cost - aided, Decimal(0)) + profit + tax
    return int(max(whole - sum((Decimal(one) / 100 for one in excesses), Decimal(0)), Decimal(0)) * 100)


@given(ITEMS, HUNDREDTHS, HUNDREDTHS, st.lists(st.integers(1, 10**15), max_size=4))
def test_an_income_equals_the_slow_model_and_its_steps_add_up(
    items: list[tuple[IncomeItemKind, int]], yields: int, margin: int, excesses: list[int]
) -> None:
    given_ = [IncomeItem(kind, amount, "文件", "") for kind, amount in items]
    older = [Excess(new_id(moment()), 2000 + n, left) for n, left in enumerate(excesses)]
    found = permitted(given_, Fraction(yields, 10_000), Fraction(margin, 10_000), older)
    with localcontext() as exact:
        exact.prec = 60
        assert found.amount_fen == slow(items, Decimal(yields + margin) / 10_000, excesses)
    assert found.amount_fen == sum(step.amount_fen for step in found.steps) >= 0
    taken = [one.left_fen for one in found.deducted]
    assert all(0 <= part <= whole for part, whole in zip(taken, excesses, strict=True))
    # an excess is touched when the older one is used up, and left over only when nothing is left to take it from
    assert all(older[n].left_fen == first or second == 0 for n, (first, second) in enumerate(pairwise(taken)))
    assert sum(taken) == sum(excesses) or found.amount_fen == 0


@given(st.integers(0, 10**6), st.integers(-(10**6), 10**7), st.lists(st.integers(0, 10**6), max_size=20))
def test_what_is_too_much_is_carried_over_exactly(first: int, actual: int, later: list[int]) -> None:
    compared = compare(first, actual, Fraction(1, 10))
    assert compared.excess_fen == max(0, actual - first)
    beyond = abs(actual - first) * 10 > first
    equal = IncomeOutcome.EQUAL if actual == first else IncomeOutcome.ADJUST
    assert compared.outcome == (IncomeOutcome.RESET if beyond else equal)
    left, got = compared.excess_fen, 0
    for amount in later:
        tax = IncomeItem(IncomeItemKind.TAX, amount, "文件", "")
        counted = permitted([tax], Fraction(0), Fraction(0), [Excess(new_id(moment()), 2024, left)])
        left, got = left - counted.deducted[0].left_fen, got + amount - counted.amount_fen
    assert got + left == compared.excess_fen
    assert left == max(0, compared.excess_fen - sum(later))
