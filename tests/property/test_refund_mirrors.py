"""Refunds in any number of parts: no leg beyond its amount, and the last one takes the rest exactly."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.money import Fen
from datamarket.ledger.rules import check_balanced, mirror
from datamarket.ledger.terms import AccountId, Leg

credits_ = st.lists(st.integers(1, 10**7), min_size=1, max_size=6)


@given(credits_, st.data())
def test_partial_refunds_never_exceed_a_leg_and_end_at_nought(parts: list[int], data: st.DataObject) -> None:
    accounts = [AccountId(UUID(int=number)) for number in range(len(parts) + 1)]
    original = [Leg(accounts[0], Fen(sum(parts)))]
    original += [Leg(account, Fen(-part)) for account, part in zip(accounts[1:], parts, strict=True)]
    refunded: dict[AccountId, int] = {}
    left = sum(parts)
    for turn in range(6):
        amount = Fen(left if turn == 5 else data.draw(st.integers(1, left)))
        legs = mirror(original, refunded, amount)
        check_balanced(legs)
        for leg in legs:
            refunded[leg.account_id] = refunded.get(leg.account_id, 0) + abs(leg.amount_fen)
        left -= amount
        if not left:
            break
        assert all(refunded.get(leg.account_id, 0) <= abs(leg.amount_fen) for leg in original)
    assert refunded == {leg.account_id: abs(leg.amount_fen) for leg in original}
