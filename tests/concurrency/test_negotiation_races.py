"""Both sides of a negotiation at once, each on a connection of its own: one move holds, the other is refused."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from datamarket.auth.terms import Actor
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.negotiation import actions as negotiation
from datamarket.contracts.terms import ContractEvent, OfferEvent
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.trading.actions import Recorder
from tests.world import trading
from tests.world.people import moment
from tests.world.trading import Agreement


async def offered(database: Database, deal: Agreement, by: Actor, **terms: Any) -> int:
    """The number of the version that is offered."""
    async with database.transaction() as session:
        row = await contract_queries.lock_contract(session, deal.contract.id, visible_to=by)
        return (await negotiation.offer_terms(session, by, row, terms, now=moment())).number


async def answered(database: Database, deal: Agreement, by: Actor, number: int, event: OfferEvent) -> None:
    async with database.transaction() as session:
        row = await contract_queries.lock_contract(session, deal.contract.id, visible_to=by)
        await negotiation.answer_amendment(session, by, row, number, event, reason="改期", now=moment())


async def held(*moves: Coroutine[Any, Any, Any]) -> list[bool]:
    """Which of these moves held; the others were refused by a rule."""
    outcomes = await asyncio.gather(*moves, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(error, MarketError) for error in refused), refused
    return [not isinstance(outcome, BaseException) for outcome in outcomes]


async def version_in_force(database: Database, deal: Agreement) -> tuple[str, int, int, int]:
    """State, and the number of the terms as contract, meter and versions have it."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT c.state, c.terms_number, m.terms_number, o.number FROM contract c"
            " JOIN contract_meter m ON m.contract_id = c.id"
            " JOIN contract_offer o ON o.contract_id = c.id AND o.state = 'in_force' WHERE c.id = $1",
            deal.contract.id,
        )
    assert row is not None
    return row[0], row[1], row[2], row[3]


async def test_an_acceptance_beside_a_withdrawal(database: Database) -> None:
    deal = await trading.requested_contract(database)
    await offered(database, deal, deal.provider_account, price_fen=5)
    accept = trading.move(database, deal, deal.buyer_account, ContractEvent.ACCEPT)
    withdraw = trading.move(database, deal, deal.provider_account, ContractEvent.WITHDRAW, "另有安排")
    accepted, withdrawn = await held(accept, withdraw)
    assert withdrawn  # before the acceptance, or after it
    async with database.connection() as connection:
        state = await connection.fetchval("SELECT state FROM contract WHERE id = $1", deal.contract.id)
    assert (state, accepted in {True, False}) == ("withdrawn", True)


async def test_both_move_at_once_and_the_slower_is_refused(database: Database) -> None:
    deal = await trading.requested_contract(database)
    agree = trading.move(database, deal, deal.provider_account, ContractEvent.AGREE)
    offer = offered(database, deal, deal.provider_account, price_fen=5)
    assert sum(await held(agree, offer)) == 1


async def test_a_signature_beside_a_counter_offer_takes_hold_whole_or_not_at_all(database: Database) -> None:
    deal = await trading.active_contract(database)
    first = await offered(database, deal, deal.provider_account, quota=50)
    sign = answered(database, deal, deal.buyer_account, first, OfferEvent.SIGN)
    counter = offered(database, deal, deal.buyer_account, quota=60)
    signed, _ = await held(sign, counter)
    state, of_contract, of_meter, in_force = await version_in_force(database, deal)
    assert (state, of_contract, of_meter) == ("active", in_force, in_force)
    assert in_force == (first if signed else 1)


async def test_a_signature_beside_a_withdrawal_of_the_same_terms(database: Database) -> None:
    deal = await trading.active_contract(database)
    number = await offered(database, deal, deal.provider_account, quota=50)
    sign = answered(database, deal, deal.buyer_account, number, OfferEvent.SIGN)
    withdraw = answered(database, deal, deal.provider_account, number, OfferEvent.WITHDRAW)
    signed, withdrawn = await held(sign, withdraw)
    assert signed != withdrawn
    assert (await version_in_force(database, deal))[1] == (number if signed else 1)


async def test_trades_beside_an_amended_price_have_the_price_that_held_when_they_were_metered(
    database: Database,
) -> None:
    deal = await trading.active_contract(database)
    recorder = Recorder(trading.LEDGER_ID)

    async def sold() -> int:
        async with database.plain_transaction() as connection:
            [outcome] = await recorder.record_trades(connection, [trading.intent(deal)], now=moment())
        assert not isinstance(outcome, MarketError), outcome
        return outcome.amount_fen

    await sold()
    number = await offered(database, deal, deal.provider_account, price_fen=1_000)
    done = asyncio.Event()

    async def sell() -> list[int]:
        prices = []
        while not done.is_set():
            prices.append(await sold())
        return [*prices, await sold()]

    async def sign() -> None:
        await asyncio.sleep(0.05)
        await answered(database, deal, deal.buyer_account, number, OfferEvent.SIGN)
        done.set()

    one, other, _ = await asyncio.gather(sell(), sell(), sign())
    for prices in (one, other):
        assert prices == sorted(prices, reverse=True)
        assert prices[-1] == 1_000
