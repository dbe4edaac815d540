"""Plans that count: each use at what its month has come to, fees once for each of their periods, and guards of both."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from datamarket.contracts import queries as contracts
from datamarket.contracts.rules import QuotaExhausted
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.ledger.terms import AccountKind
from datamarket.trading import actions, charging
from datamarket.trading.actions import Outcome
from tests.conftest import ClientFor
from tests.world import catalogue, orders, trading
from tests.world.people import NOON
from tests.world.trading import LEDGER_ID, Agreement, active_contract, intent, used

JULY = NOON.replace(month=7)
JUNE_BEGINS, JULY_BEGINS = (datetime(2024, month, 1, tzinfo=MARKET_ZONE) for month in (6, 7))
TERM: dict[str, Any] = {"term_from": JUNE_BEGINS, "term_to": JULY_BEGINS + timedelta(days=45)}
BASIC, MINIMUM = catalogue.TWO_PART.basic_fen, catalogue.TWO_PART.minimum_fen


def amounts(outcomes: list[Outcome]) -> list[int]:
    return [outcome.amount_fen for outcome in outcomes if not isinstance(outcome, MarketError)]


async def months(database: Database, deal: Agreement) -> list[tuple[int, ...]]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT month, units, charged_fen FROM charged_month WHERE contract_id = $1 ORDER BY month",
            deal.contract.id,
        )
    return [tuple(row) for row in rows]


async def fees(database: Database, deal: Agreement) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT u.fee, u.at, t.quantity, t.amount_fen FROM contract_use u LEFT JOIN trade t ON t.use_id = u.id"
            " WHERE u.contract_id = $1 AND u.fee IS NOT NULL ORDER BY u.id",
            deal.contract.id,
        )
    return [tuple(row) for row in rows]


async def test_graduated_uses_are_charged_by_the_month_within_its_cap_and_the_next_begins_anew(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED)
    buyer = client_for(deal.buyer_account)
    items = [{"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": n} for n in (5, 10)]
    batch = (await buyer.post("/trades/batch", json={"items": items})).json()
    told = [item["trade"] for item in batch["items"]]
    assert [trade["amount_fen"] for trade in told] == [500, 500 + 400]
    assert [sum(trade["split"].values()) for trade in told] == [500, 900]
    single = (await buyer.post("/trades", json=items[1])).json()
    assert (single["amount_fen"], single["unit_price_fen"]) == (5 * 80 + 5 * 50, 100)
    assert (await buyer.get(f"/trades/{single['id']}")).json() == single
    over = await trading.trade(database, deal, 100)
    assert over.amount_fen == 3_000 - 2_050
    assert (await trading.trade(database, deal, 7)).amount_fen == 0
    assert (await trading.trade(database, deal, 7, at=JULY)).amount_fen == 700
    assert await months(database, deal) == [(202406, 132, 3_000), (202407, 7, 700)]


async def test_what_is_refused_in_a_batch_counts_for_no_price(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED, quota=14)
    plain = await active_contract(database)
    outcomes = await trading.record(
        database, [intent(deal, 9), intent(deal, 9), intent(plain, 2), intent(deal, 5)]
    )
    assert isinstance(outcomes[1], QuotaExhausted)
    assert amounts(outcomes) == [900, 6_000, 100 + 4 * 80]
    assert await months(database, deal) == [(202406, 14, 1_320)]


async def test_what_the_funds_cannot_pay_counts_for_no_price(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED, funds=Fen(1_000))
    outcomes = await trading.record(database, [intent(deal, 9), intent(deal, 9), intent(deal, 1)])
    assert amounts(outcomes) == [900, 100]
    assert await months(database, deal) == [(202406, 10, 1_000)]


async def test_a_use_priced_later_counts_in_the_month_of_its_use(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED)
    await trading.trade(database, deal, 8, at=JULY)
    use_id = await used(database, deal, 15)
    late = intent(deal)._replace(use_id=use_id, purpose=None, quantity=None, occurred_at=JULY)
    assert amounts(await trading.record(database, [late], now=JULY)) == [1_400]
    assert await months(database, deal) == [(202406, 15, 1_400), (202407, 8, 800)]


async def test_plain_plans_read_and_lock_nothing_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(charging, "charge", never)
    monkeypatch.setattr(contracts, "lock_plain_meters", never)
    deal = await active_contract(database)
    assert (await trading.trade(database, deal, 2)).amount_fen == 6_000
    assert await months(database, deal) == []


async def test_an_order_holds_the_most_and_pays_what_its_month_has_come_to(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, plan=catalogue.GRADUATED, funds=Fen(10_000))
    await trading.trade(database, deal, 10)
    order = await orders.delivered(database, deal, 15)
    assert (order.amount_fen, order.unit_price_fen) == (1_500, 100)
    accepted = await client_for(deal.buyer_account).post(
        f"/orders/{order.id}/events", json={"event": "accept", "accepted_quantity": 12, "reason": "部分合格"}
    )
    trade = (await client_for(deal.buyer_account).get(f"/trades/{accepted.json()['trade_id']}")).json()
    assert trade["amount_fen"] == 10 * 80 + 2 * 50
    assert await orders.standing(database, deal.buyer.id, AccountKind.BUYER_FUNDS) == (8_100, 0)


async def test_a_two_part_plan_charges_its_year_and_what_a_whole_month_lacks_once(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, plan=catalogue.TWO_PART, funds=Fen(10**6), **TERM)
    assert (await trading.trade(database, deal, 1_300)).amount_fen == 7
    assert (await trading.trade(database, deal, 1_300)).amount_fen == 6
    for until in (NOON, JULY_BEGINS - timedelta(seconds=1)):
        await actions.charge_fees(database, LEDGER_ID, until)
        assert await fees(database, deal) == [("basic", JUNE_BEGINS, 0, BASIC)]
    await actions.charge_fees(database, LEDGER_ID, JULY_BEGINS)
    assert (await fees(database, deal))[1:] == [("minimum", JUNE_BEGINS, 0, MINIMUM - 13)]
    for _ in range(2):
        await actions.charge_fees(database, LEDGER_ID, JULY_BEGINS + timedelta(days=80))
    assert await months(database, deal) == [(202406, 2_600, MINIMUM), (202407, 0, MINIMUM)]
    listed = (await client_for(deal.buyer_account).get(f"/contracts/{deal.contract.id}/uses")).json()["items"]
    assert [use["fee"] for use in listed if use["quantity"] == 0] == ["minimum", "minimum", "basic"]


async def test_fees_that_the_funds_do_not_pay_wait_with_the_unpriced_uses_of_the_seller(
    database: Database, client_for: ClientFor
) -> None:
    began = NOON - timedelta(days=40)
    deal = await active_contract(database, plan=catalogue.TWO_PART, funds=None, term_from=began)
    assert await actions.charge_fees(database, LEDGER_ID, NOON) == 0
    seller = client_for(deal.provider_account)
    waiting = sorted((await seller.get("/trades/unpriced")).json()["items"], key=lambda use: use["fee"])
    assert [(use["fee"], use["quantity"]) for use in waiting] == [("basic", 0), ("minimum", 0)]
    await trading.deposit(database, deal.buyer.id)
    priced = [await seller.post(f"/trades/unpriced/{use['id']}") for use in waiting]
    assert [(answer.status_code, answer.json()["amount_fen"]) for answer in priced] == [
        (201, BASIC),
        (201, MINIMUM),
    ]
    assert await actions.charge_fees(database, LEDGER_ID, NOON) == 0


async def test_fees_of_a_suspended_contract_wait_until_it_is_resumed(database: Database) -> None:
    deal = await active_contract(database, plan=catalogue.TWO_PART, **TERM)
    await trading.move(database, deal, deal.provider_account, ContractEvent.SUSPEND, "检修")
    assert await actions.charge_fees(database, LEDGER_ID, NOON) == 0
    await trading.move(database, deal, deal.provider_account, ContractEvent.RESUME)
    assert await actions.charge_fees(database, LEDGER_ID, NOON) == 1


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("trade_amount_check", "UPDATE trade SET quantity = quantity + 1 WHERE contract_id = $1"),
        (
            "trade_amount_check",
            "UPDATE trade SET quantity = -1, unit_price_fen = -amount_fen WHERE contract_id = $1",
        ),
        (
            "trade_order_amount_check",
            "UPDATE trade_order SET amount_fen = amount_fen + 1 WHERE contract_id = $1",
        ),
        ("trade_order_quote_id_fkey", "UPDATE trade_order SET quote_id = id WHERE contract_id = $1"),
        ("trade_order_quote_key", "UPDATE trade_order SET quote_id = contract_id WHERE contract_id = $1"),
        ("charged_month_pkey", "INSERT INTO charged_month SELECT $1, n, 0, 0 FROM unnest(ARRAY[1, 1]) AS n"),
        ("charged_month_amount_check", "INSERT INTO charged_month VALUES ($1, 202406, 0, -1)"),
        (
            "charged_month_contract_id_fkey",
            "INSERT INTO charged_month SELECT gen_random_uuid(), 202406, 0, 0 WHERE $1::uuid IS NOT NULL",
        ),
        ("contract_use_quantity_check", "UPDATE contract_use SET fee = 'basic' WHERE contract_id = $1"),
        (
            "contract_use_fee_check",
            "UPDATE contract_use SET fee = 'tip', quantity = 0 WHERE contract_id = $1",
        ),
    ],
)
async def test_the_database_refuses_amounts_that_no_plan_explains(
    database: Database, superuser: "asyncpg.Connection[asyncpg.Record]", constraint: str, statement: str
) -> None:
    """`trade_amount` and `trade_order_amount` look at the contract only where an amount is not units times price."""
    deal = await active_contract(database)
    await trading.trade(database, deal)
    for _ in range(2):
        await orders.placed(database, deal)
    transaction = superuser.transaction()
    await transaction.start()
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await superuser.execute(statement, deal.contract.id)
    finally:
        await transaction.rollback()
    assert constraint_of(refused.value, {constraint}) == constraint
