"""One quote and two orders at once, one month and two desks at once: each fen and each quote is used once."""

import asyncio

from datamarket.contracts.quotes.rules import QuoteUsed
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.trading.actions import charge_fees
from datamarket.trading.terms import Trade
from tests.world import catalogue, orders, trading
from tests.world.people import NOON
from tests.world.trading import LEDGER_ID, active_contract, intent, quoted

TURNS = 12


async def test_of_two_orders_that_name_one_quote_one_is_placed(database: Database) -> None:
    deal = await active_contract(database)
    quote = await quoted(database, deal)
    placed = await asyncio.gather(
        *(orders.placed(database, deal, 10, quote_id=quote.id) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in placed) == ["QuoteUsed"] * 3 + ["TradeOrder"]
    assert any(isinstance(outcome, QuoteUsed) for outcome in placed)


async def test_a_month_that_many_charge_at_once_costs_what_one_would_have_paid(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED)
    plain = await active_contract(database)
    batches = [
        trading.record(database, [intent(one, 2) for one in ((deal, plain) if n % 2 else (plain, deal))])
        for n in range(TURNS)
    ]
    uses = [trading.used(database, deal) for _ in range(TURNS)]
    using = asyncio.gather(*uses)
    outcomes = [outcome for batch in await asyncio.gather(*batches) for outcome in batch]
    assert len(await using) == TURNS
    trades = [trade for trade in outcomes if isinstance(trade, Trade)]
    assert not any(isinstance(outcome, MarketError) for outcome in outcomes)
    charged = sum(trade.amount_fen for trade in trades if trade.contract_id == deal.contract.id)
    assert charged == 10 * 100 + 10 * 80 + 4 * 50


async def test_two_processes_charge_each_fee_once(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.TWO_PART, term_from=NOON)
    await asyncio.gather(*(charge_fees(database, LEDGER_ID, NOON) for _ in range(4)))
    async with database.connection() as connection:
        paid = await connection.fetch("SELECT amount_fen FROM trade WHERE contract_id = $1", deal.contract.id)
    assert [row[0] for row in paid] == [catalogue.TWO_PART.basic_fen]
