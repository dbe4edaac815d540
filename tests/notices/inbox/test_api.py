"""The inbox over HTTP: what waits for whom, by deadline, with what happens then."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.catalogue.products import actions as products
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.terms import ProductEvent
from datamarket.comparisons import actions as comparisons
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.notices.inbox.terms import Consequence, MatterKind
from datamarket.payouts.terms import BatchEvent
from datamarket.server.app import create_app
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.trading.disputes.terms import DisputeEvent
from datamarket.trading.orders.terms import OrderEvent
from datamarket.zones.resources import actions as resources
from datamarket.zones.resources.terms import ResourceEvent
from tests.conftest import client_of
from tests.world import catalogue, disputes, orders, payouts, prices, subsidy, trading, zones
from tests.world.people import AUTHORITY, NOON, REVIEWER, moment
from tests.world.subscribers import subscribed
from tests.world.trading import LEDGER_ID

K = MatterKind


@pytest.fixture
def market(database: Database, settings: Settings) -> FastAPI:
    return create_app(settings, database, read_clock=lambda: NOON)


async def waiting(app: FastAPI, who: Actor, now: datetime = NOON) -> list[dict[str, Any]]:
    """All of it, page by page, at an instant."""
    app.state.read_clock = lambda: now
    client = client_of(app, who, now)
    items: list[dict[str, Any]] = []
    after: dict[str, str | int] = {}
    while True:
        page = (await client.get("/inbox", params=after | {"limit": 2})).json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def kinds(items: list[dict[str, Any]], subject: object = None) -> list[str]:
    return [item["kind"] for item in items if subject is None or item["subject_id"] == str(subject)]


async def test_orders_wait_for_who_has_to_deliver_then_for_who_has_to_accept(
    database: Database, market: FastAPI
) -> None:
    deal = await trading.active_contract(database)
    late = await orders.placed(database, deal, deliver_by=NOON + timedelta(days=9))
    soon = await orders.placed(database, deal, deliver_by=NOON + timedelta(days=2))
    seen = await waiting(market, deal.provider_account)
    assert [(item["kind"], item["subject_id"]) for item in seen] == [
        (K.ORDER_TO_DELIVER, str(soon.id)),
        (K.ORDER_TO_DELIVER, str(late.id)),
    ]
    assert datetime.fromisoformat(seen[0]["until"]) == NOON + timedelta(days=2)
    assert seen[0]["then_en"] == Consequence.ORDER_TO_DELIVER.en
    assert await waiting(market, deal.buyer_account) == []
    done = await orders.delivered(database, deal)
    told = await waiting(market, deal.buyer_account)
    assert kinds(told) == [K.ORDER_TO_ACCEPT]
    assert datetime.fromisoformat(told[0]["until"]) == done.decide_by
    assert told[0]["then_zh"].startswith("届时未作表示的，视为全部验收")


async def test_a_contract_waits_for_the_side_whose_move_it_is(database: Database, market: FastAPI) -> None:
    deal = await trading.requested_contract(database)
    contract = deal.contract.id
    sides = deal.provider_account, deal.buyer_account

    async def seen() -> list[list[str]]:
        return [kinds(await waiting(market, side), contract) for side in sides]

    assert await seen() == [[K.CONTRACT_TO_ANSWER], []]
    await trading.move(database, deal, deal.provider_account, ContractEvent.AGREE)
    assert await seen() == [[K.CONTRACT_TO_SIGN], [K.CONTRACT_TO_SIGN]]
    await trading.move(database, deal, deal.provider_account, ContractEvent.SIGN)
    assert await seen() == [[], [K.CONTRACT_TO_SIGN]]
    await trading.move(database, deal, deal.buyer_account, ContractEvent.SIGN)
    assert await seen() == [[], []]
    assert await waiting(market, deal.buyer_account, deal.contract.term_to) == []


async def test_a_buyer_watches_a_quota_of_which_four_fifths_are_used(
    database: Database, market: FastAPI
) -> None:
    deal = await trading.active_contract(database, quota=10)
    await trading.trade(database, deal, 7)
    assert await waiting(market, deal.buyer_account) == []
    await trading.trade(database, deal, 1)
    assert kinds(await waiting(market, deal.buyer_account)) == [K.QUOTA_TO_WATCH]


async def test_a_buyer_watches_funds_that_are_spent_or_held_and_hears_when_none_are_left(
    database: Database, market: FastAPI
) -> None:
    deal = await trading.active_contract(database, funds=None)
    price = deal.contract.price_fen
    assert await waiting(market, deal.buyer_account) == [], (
        "who never deposited anything has nothing to watch"
    )
    await trading.deposit(database, deal.buyer.id, Fen(10 * price))
    order = await orders.delivered(database, deal, 4)
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    await trading.trade(database, deal, 3)
    assert await waiting(market, deal.buyer_account) == [], "what escrow gave back did not come in anew"
    await orders.placed(database, deal, 1)
    assert kinds(await waiting(market, deal.buyer_account)) == [K.FUNDS_TO_WATCH]
    await trading.trade(database, deal, 2)
    assert kinds(await waiting(market, deal.buyer_account)) == [K.FUNDS_EXHAUSTED]
    await trading.deposit(database, deal.buyer.id, Fen(10 * price))
    assert await waiting(market, deal.buyer_account) == []
    assert await waiting(market, deal.buyer_account, deal.contract.term_to) == []


async def test_an_offer_to_settle_a_dispute_waits_for_the_other_side(
    database: Database, market: FastAPI
) -> None:
    deal = await trading.active_contract(database)
    trade = await trading.trade(database, deal, 3)
    dispute = await disputes.opened(database, deal.buyer_account, trade.id)
    sides = deal.provider_account, deal.buyer_account

    async def seen() -> list[list[str]]:
        return [kinds(await waiting(market, side), dispute.id) for side in sides]

    await disputes.moved(database, deal.buyer_account, dispute, DisputeEvent.OFFER, amount_fen=100)
    assert await seen() == [[K.DISPUTE_TO_ANSWER, K.DISPUTE_OFFER_TO_ANSWER], []]
    await disputes.moved(database, deal.provider_account, dispute, DisputeEvent.OFFER, amount_fen=50)
    assert await seen() == [[K.DISPUTE_TO_ANSWER], [K.DISPUTE_OFFER_TO_ANSWER]]
    await disputes.moved(database, deal.buyer_account, dispute, DisputeEvent.SETTLE)
    assert await seen() == [[], []]


async def test_a_yearly_report_that_is_late_waits_for_its_operator(
    database: Database, market: FastAPI
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        income = await prices.approved(session, operated)
    late = datetime(2025, 3, 31, 16, tzinfo=UTC)
    assert K.REPORT_LATE not in kinds(await waiting(market, operated.account, late))
    await comparisons.tell_late(database, LEDGER_ID, late)
    assert kinds(await waiting(market, operated.account, late), income.id) == [K.REPORT_LATE]
    async with database.transaction() as session:
        await comparisons.report_year(session, operated.account, income.id, ledger_id=LEDGER_ID, now=late)
    assert kinds(await waiting(market, operated.account, late), income.id) == []


async def test_registrations_are_to_be_renewed_and_mandates_end_within_sixty_days(
    database: Database, market: FastAPI
) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session, term_to=date(2025, 6, 1))
        resource = await zones.registered_resource(session, operated)
    assert resource.valid_to is not None
    ends = start_of_day(resource.valid_to)
    assert kinds(await waiting(market, operated.account)) == []
    near = start_of_day(date(2025, 6, 1)) - timedelta(days=60)
    assert kinds(await waiting(market, operated.account, near - timedelta(seconds=1))) == []
    assert kinds(await waiting(market, operated.account, near)) == [K.MANDATE_ENDING]
    assert K.MANDATE_ENDING in kinds(await waiting(market, AUTHORITY, near), operated.mandate.id)
    told = await waiting(market, operated.account, ends - timedelta(days=60))
    assert (kinds(told), told[0]["subject_id"]) == ([K.REGISTRATION_TO_RENEW], str(resource.id))
    assert datetime.fromisoformat(told[0]["until"]) == ends
    assert await waiting(market, operated.account, ends) == []


async def test_registrations_wait_for_the_authority_within_the_working_days_of_the_rule(
    database: Database, market: FastAPI
) -> None:
    friday = datetime(2025, 3, 7, 4, 0, tzinfo=UTC)
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        resource = await zones.draft_resource(session, operated)
        await resources.move_resource(session, operated.account, resource, ResourceEvent.SUBMIT, now=friday)
    [told] = [
        item for item in await waiting(market, AUTHORITY, friday) if item["subject_id"] == str(resource.id)
    ]
    assert told["kind"] == K.REGISTRATION_TO_ACCEPT
    assert datetime.fromisoformat(told["until"]) == start_of_day(date(2025, 3, 13)), "Wednesday is the third"
    async with database.transaction() as session:
        session.add(resource)
        await resources.move_resource(session, AUTHORITY, resource, ResourceEvent.ACCEPT, now=friday)
    assert kinds(await waiting(market, AUTHORITY, friday), resource.id) == [K.REGISTRATION_TO_REVIEW]
    early = await waiting(market, AUTHORITY, NOON)
    assert {item["until"] for item in early if item["subject_id"] == str(resource.id)} == {None}


async def test_a_product_waits_for_a_reviewer(database: Database, market: FastAPI) -> None:
    async with database.transaction() as session:
        made = await catalogue.draft_product(session)
        described = await product_queries.lock_product(session, made.product.id, visible_to=made.account)
        await products.move_product(session, made.account, described, ProductEvent.SUBMIT, now=moment())
    assert K.PRODUCT_TO_REVIEW in kinds(await waiting(market, REVIEWER), made.product.id)
    assert kinds(await waiting(market, made.account), made.product.id) == []


async def test_payouts_and_awards_wait_for_whoever_has_no_earlier_hand_in_them(
    fresh_database: Database, settings: Settings
) -> None:
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    clerks = payouts.Officers()
    await payouts.earned(fresh_database)
    batch = await payouts.proposed(fresh_database, clerks)
    assert kinds(await waiting(app, clerks.maker), batch.id) == []
    assert kinds(await waiting(app, clerks.approver), batch.id) == [K.PAYOUTS_TO_APPROVE]
    await payouts.moved(fresh_database, clerks.approver, batch.id, BatchEvent.APPROVE)
    assert kinds(await waiting(app, clerks.maker), batch.id) == [K.PAYOUTS_TO_SEND]
    officers = subsidy.Officers()
    await subsidy.two_sellers_and_a_case(fresh_database)
    run = await subsidy.opened_run(fresh_database, officers)
    await subsidy.moved(fresh_database, officers, run, RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT)
    assert kinds(await waiting(app, officers.calculator), run.id) == []
    assert kinds(await waiting(app, officers.reviewer), run.id) == [K.RUN_TO_PUBLICISE]
    await subsidy.moved(fresh_database, officers, run, RunEvent.PUBLICISE)
    assert kinds(await waiting(app, officers.approver, subsidy.AFTER_YEAR), run.id) == []
    over = subsidy.AFTER_YEAR + timedelta(days=60)
    assert kinds(await waiting(app, officers.reviewer, over), run.id) == []
    assert kinds(await waiting(app, officers.approver, over), run.id) == [K.RUN_TO_APPROVE]


async def test_a_subscription_that_rests_waits_for_its_holder(database: Database, market: FastAPI) -> None:
    deal = await trading.requested_contract(database)
    row, _ = await subscribed(database, deal.buyer_account, "https://portal.example/")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE subscription SET state = 'paused', pause_reason = 'failed' WHERE id = $1", row.id
        )
    assert kinds(await waiting(market, deal.buyer_account)) == [K.SUBSCRIPTION_TO_REPLAY]
    assert kinds(await waiting(market, deal.provider_account), row.id) == []


def test_each_matter_says_what_happens_then() -> None:
    assert [word.value for word in Consequence] == [word.value for word in MatterKind]
