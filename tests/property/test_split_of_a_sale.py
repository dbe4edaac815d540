"""One sale divided: exact for any amount, and as a plain reading of the rule has it."""

from datetime import date
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from datamarket.catalogue.listings.terms import PriceModel, PricePlan, Supplier
from datamarket.contracts.terms import FrozenTerms
from datamarket.foundation.money import Fen
from datamarket.ledger.rules import check_balanced
from datamarket.participants.terms import IncomeClass
from datamarket.trading import rules
from datamarket.trading.revenue.files import revenue_rules

RULE = rules.rule_at(revenue_rules(), date(2024, 6, 3))
ONE = UUID(int=1)


def terms(*, suppliers: int, fee_bps: int) -> FrozenTerms:
    kinds = list(IncomeClass)
    return FrozenTerms(
        contract_id=ONE,
        listing_id=ONE,
        product_id=ONE,
        product_version=1,
        category="ocean",
        provider_id=UUID(int=2),
        buyer_id=UUID(int=3),
        venue_id=UUID(int=4),
        venue_operator_id=UUID(int=5),
        venue_fee_bps=fee_bps,
        zone_id=UUID(int=6) if suppliers else None,
        operator_id=UUID(int=7) if suppliers else None,
        suppliers=tuple(Supplier(UUID(int=10 + i), kinds[i % len(kinds)]) for i in range(suppliers)),
        plan=PricePlan(PriceModel.PER_CALL, Fen(1)),
    )


@given(st.integers(0, 10**14), st.integers(0, 5), st.integers(0, 10_000))
def test_the_parts_add_up_and_the_entry_balances(gross: int, suppliers: int, fee_bps: int) -> None:
    frozen = terms(suppliers=suppliers, fee_bps=fee_bps)
    parts = rules.divide(Fen(gross), frozen, RULE)
    assert parts.gross_fen == gross
    assert min(parts) >= 0
    if gross:
        check_balanced(rules.legs_of(370200, frozen, parts))
    if not suppliers:
        assert parts.supplying_fen == parts.operator_fen == 0


@given(st.integers(1, 10**12))
def test_marginal_brackets_are_what_a_plain_reading_says(base: int) -> None:
    supplying, operator = rules.bracket_shares(Fen(base), RULE)
    edges = [bracket.above for bracket in RULE.brackets] + [max(base, RULE.brackets[-1].above)]
    expected = [Fraction(0), Fraction(0)]
    for bracket, upper in zip(RULE.brackets, edges[1:], strict=True):
        within = max(0, min(base, upper) - bracket.above)
        expected[0] += within * bracket.supplying
        expected[1] += within * bracket.operator
    assert [Fraction(supplying, RULE.unit), Fraction(operator, RULE.unit)] == expected
