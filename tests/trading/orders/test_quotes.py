"""An order that names its quote is what was quoted, once, and in time."""

from datetime import timedelta
from typing import Any

import pytest

from datamarket.contracts.quotes.rules import QuoteExpired, QuoteMismatch, QuoteUsed
from datamarket.contracts.terms import Purpose
from datamarket.foundation.db import Database
from datamarket.foundation.errors import NotFound
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.world import catalogue, orders
from tests.world.people import NOON
from tests.world.trading import active_contract, quoted


async def test_an_order_that_is_what_was_quoted_uses_its_quote_up(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED)
    quote = await quoted(database, deal)
    order = await orders.placed(database, deal, 10, quote_id=quote.id)
    assert (order.quote_id, order.amount_fen) == (quote.id, quote.amount_fen)
    buyer = client_for(deal.buyer_account)
    shown = (await buyer.get(f"/quotes/{quote.id}")).json()
    assert (shown["used_at"][:10], shown["version"]) == ("2024-06-03", 2)
    assert (await buyer.get(f"/orders/{order.id}")).json()["quote_id"] == str(quote.id)
    with pytest.raises(QuoteUsed):
        await orders.placed(database, deal, 10, quote_id=quote.id)


@pytest.mark.parametrize(
    ("changed", "ordered", "field", "told"),
    [
        ({}, 11, "quantity", ("10", "11")),
        ({"purpose": Purpose.RESEARCH}, 10, "purpose", ("research", "industrial_development")),
        ({"term_from": NOON}, 10, "term_from", ("2024-06-03T04:00:00+00:00", "2023-01-01T00:00:00+00:00")),
    ],
)
async def test_an_order_that_differs_is_refused_with_the_field_and_both_values(
    database: Database, changed: dict[str, Any], ordered: int, field: str, told: tuple[str, str]
) -> None:
    deal = await active_contract(database)
    quote = await quoted(database, deal, **changed)
    with pytest.raises(QuoteMismatch) as refused:
        await orders.placed(database, deal, ordered, quote_id=quote.id)
    facts = refused.value.facts
    assert (facts["field"], facts["quoted"], facts["asked"]) == (field, *told)


async def test_a_free_quote_for_the_public_good_buys_nothing_for_industry(database: Database) -> None:
    deal = await active_contract(database, of_zone=True)
    quote = await quoted(database, deal, purpose=Purpose.PUBLIC_WELFARE, use_class=UseClass.PUBLIC_GOOD)
    assert quote.amount_fen == 0
    with pytest.raises(QuoteMismatch):
        await orders.placed(database, deal, 10, quote_id=quote.id)


async def test_an_expired_quote_or_somebody_elses_is_refused(database: Database) -> None:
    deal, other = await active_contract(database), await active_contract(database)
    old = await quoted(database, deal, now=NOON - timedelta(days=31))
    with pytest.raises(QuoteExpired):
        await orders.placed(database, deal, 10, quote_id=old.id)
    strange = await quoted(database, deal, other.buyer_account)
    with pytest.raises(NotFound):
        await orders.placed(database, deal, 10, quote_id=strange.id)
