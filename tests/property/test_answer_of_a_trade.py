"""The answer of a trade is put together from parts, and is to the byte what its facts are as JSON."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import orjson
from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.ids import new_ids
from datamarket.trading import rules
from datamarket.trading.api import TradeOut, render
from datamarket.trading.revenue.files import revenue_rules
from datamarket.trading.terms import Trade
from tests.property.test_split_of_a_sale import terms

RULE = rules.rule_at(revenue_rules(), date(2024, 6, 3))
INSTANTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))


@given(
    st.integers(0, 10**12),
    st.integers(0, 3),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    INSTANTS,
    INSTANTS,
)
def test_a_trade_reads_as_its_facts_in_their_order(
    quantity: int, suppliers: int, category: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    frozen = replace(terms(suppliers=suppliers, fee_bps=80), category=category)
    sold = rules.sale(370200, frozen, quantity, RULE)
    [trade_id, use_id] = new_ids([recorded_at, recorded_at])
    trade = Trade(trade_id, use_id, sold, occurred_at, recorded_at)
    facts = {
        "id": str(trade_id),
        "contract_id": str(frozen.contract_id),
        "use_id": str(use_id),
        "buyer_id": str(frozen.buyer_id),
        "provider_id": str(frozen.provider_id),
        "venue_id": str(frozen.venue_id),
        "zone_id": frozen.zone_id and str(frozen.zone_id),
        "product_id": str(frozen.product_id),
        "category": category,
        "quantity": quantity,
        "unit_price_fen": 1,
        "amount_fen": quantity,
        "split": sold.split._asdict(),
        "revenue_rule": RULE.id,
        "occurred_at": occurred_at,
        "recorded_at": recorded_at,
        "refunded_fen": 0,
        "state": "settled",
        "version": 1,
    }
    assert list(facts) == list(TradeOut.model_fields)
    assert render(trade) == orjson.dumps(facts, option=orjson.OPT_UTC_Z)
