"""Ceilings over HTTP: set upon an approved income, and in the way of what is published, quoted, asked for and signed."""

from typing import Any
from uuid import UUID

from datamarket.catalogue.ceilings.terms import CeilingUnit
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.money import Fen
from datamarket.prices.terms import IncomeItemKind
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.contracts.quotes.test_api import buyer_of, wanted
from tests.world import catalogue, prices, trading, zones
from tests.world.catalogue import Listed
from tests.world.people import AUTHORITY
from tests.world.zones import OperatedZone

MONTHLY = PricePlan(PriceModel.PER_PERIOD, Fen(3_000), 30)


async def sold(
    database: Database, plan: PricePlan = catalogue.PER_CALL, use_class: UseClass = UseClass.INDUSTRY
) -> tuple[OperatedZone, Listed, UUID]:
    """A zone, a product of it on sale, and an approved income of ten thousand yuan."""
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(
            session, operated=operated, plan=plan, use_class=use_class
        )
        income = await prices.approved(session, operated)
    return operated, listed, income.id


def asked(income_id: UUID, listed: Listed, /, **changed: Any) -> dict[str, Any]:
    return {
        "income_id": str(income_id),
        "product_id": str(listed.product.id),
        "unit": "call",
        "ceiling_fen": 2_999,
        "expected_volume": 100,
        "valid_from": "2024-06-03",
    } | changed


async def code_of(database: Database, attempt: Any) -> str:
    """What an action refuses, by its code."""
    try:
        await attempt
    except MarketError as refusal:
        return refusal.code
    return "done"


async def test_above_its_ceiling_nothing_is_quoted_asked_for_agreed_or_published(
    database: Database, client_for: ClientFor
) -> None:
    _, listed, income_id = await sold(database)
    waiting = await trading.requested_contract(database, listed=listed)
    running = await trading.active_contract(database, listed=listed)
    authority, buyer = client_for(AUTHORITY), client_for(await buyer_of(database))
    made = await authority.post("/prices/ceilings", json=asked(income_id, listed))
    assert (made.status_code, made.json()["trial"], made.json()["state_zh"]) == (201, True, "已核定")
    refused = (await buyer.post("/quotes", json=wanted(listed))).json()
    assert refused["code"] == "ceiling.price-above"
    assert all(fact in refused["detail"] for fact in ("3000", "2999", made.json()["id"]))
    again = trading.requested_contract(database, listed=listed)
    assert await code_of(database, again) == "ceiling.price-above"
    agree = trading.move(database, waiting, waiting.provider_account, ContractEvent.AGREE)
    assert await code_of(database, agree) == "ceiling.price-above"
    assert (await trading.trade(database, running)).amount_fen == 3_000  # what runs keeps its price
    path = f"/listings/{listed.listing.id}/events"
    await client_for(listed.account).post(path, json={"event": "suspend"})
    resumed = await client_for(listed.account).post(path, json={"event": "resume"})
    assert (resumed.status_code, resumed.json()["code"]) == (409, "ceiling.price-above")
    raised = await authority.post(
        "/prices/ceilings", json=asked(income_id, listed, ceiling_fen=3_000, valid_from="2024-06-04")
    )
    assert raised.status_code == 201
    assert (await client_for(listed.account).post(path, json={"event": "resume"})).status_code == 409


async def test_at_its_ceiling_a_price_passes_and_the_public_good_has_none(
    database: Database, client_for: ClientFor
) -> None:
    _, listed, income_id = await sold(database)
    async with database.transaction() as session:
        await prices.ceiling(session, income_id, listed.product.id, 9_000, units=3)
    buyer = client_for(await buyer_of(database))
    assert (await buyer.post("/quotes", json=wanted(listed))).json()["amount_fen"] == 45 * 3_000
    assert (await trading.active_contract(database, listed=listed)).contract.state == "active"
    _, dear, other = await sold(database)
    async with database.transaction() as session:
        await prices.ceiling(session, other, dear.product.id, 1)
    free = wanted(dear, purpose="public_welfare", use_class="public_good")
    assert (await buyer.post("/quotes", json=free)).json()["amount_fen"] == 0
    assert (await buyer.post("/quotes", json=wanted(dear))).json()["code"] == "ceiling.price-above"


async def test_a_plan_is_held_to_the_ceiling_of_its_unit_at_its_dearest(
    database: Database, client_for: ClientFor
) -> None:
    buyer = client_for(await buyer_of(database))
    for plan, unit, ceiling_fen, units, code in (
        (MONTHLY, CeilingUnit.PERIOD, 100, 1, None),
        (MONTHLY, CeilingUnit.PERIOD, 99, 1, "ceiling.price-above"),
        (MONTHLY, CeilingUnit.CALL, 10_000, 1, "ceiling.unit-without"),
        (catalogue.GRADUATED, CeilingUnit.VOLUME, 100, 1, None),
        (catalogue.GRADUATED, CeilingUnit.CALL, 99, 1, "ceiling.price-above"),
        (catalogue.TWO_PART, CeilingUnit.CALL, 5, 1_000, "ceiling.unit-without"),
        (catalogue.ONE_OFF, CeilingUnit.PRODUCT, 25_599_999, 1, "ceiling.price-above"),
    ):
        _, listed, _ = await sold(database, plan)
        async with database.transaction() as session:
            operated = await zones.open_zone(session)
            listed = await catalogue.published_zone_listing(session, operated=operated, plan=plan)
            big = await prices.approved(session, operated, prices.figure(IncomeItemKind.TAX, 10**10))
            await prices.ceiling(session, big.id, listed.product.id, ceiling_fen, unit=unit, units=units)
        answer = (await buyer.post("/quotes", json=wanted(listed, quantity=1))).json()
        assert answer.get("code") == code, (plan.model, answer)


async def test_a_ceiling_stands_upon_what_was_permitted(database: Database, client_for: ClientFor) -> None:
    operated, listed, income_id = await sold(database)
    _, elsewhere, _ = await sold(database)
    async with database.transaction() as session:
        unapproved = await prices.filed(session, operated, year=2025)
    authority = client_for(AUTHORITY)
    first = asked(income_id, listed, ceiling_fen=3_000, expected_volume=200)
    assert (await authority.post("/prices/ceilings", json=first)).status_code == 201
    for code, client, changed in (
        ("ceiling.day-wrong", authority, {"valid_from": "2024-06-02"}),
        ("ceiling.day-wrong", authority, {"valid_from": "2024-06-03"}),
        ("ceiling.day-wrong", authority, {"valid_from": "2025-01-01", "unit": "volume"}),
        (
            "ceiling.income-exceeded",
            authority,
            {"unit": "volume", "ceiling_fen": 4_001, "expected_volume": 100},
        ),
        ("ceiling.another-zone", authority, {"product_id": str(elsewhere.product.id)}),
        ("income.not-approved", authority, {"income_id": str(unapproved.id)}),
        ("not-found", authority, {"income_id": str(listed.product.id)}),
        ("request.invalid", authority, {"ceiling_fen": 0}),
        ("request.invalid", authority, {"unit": "minute"}),
        ("auth.not-permitted", client_for(operated.account), {}),
    ):
        refused = await client.post("/prices/ceilings", json=asked(income_id, listed, **changed))
        assert (code, refused.json().get("code")) == (code, code)
    full = asked(income_id, listed, unit="volume", ceiling_fen=4_000, expected_volume=100)
    assert (await authority.post("/prices/ceilings", json=full)).status_code == 201
    page = (await authority.get("/prices/ceilings", params={"product": str(listed.product.id)})).json()
    assert {item["unit_zh"] for item in page["items"]} == {"次", "量"}


async def test_what_is_replaced_holds_until_its_last_day(database: Database, client_for: ClientFor) -> None:
    _, listed, income_id = await sold(database)
    authority = client_for(AUTHORITY)
    first = (
        await authority.post("/prices/ceilings", json=asked(income_id, listed, ceiling_fen=3_000))
    ).json()
    later = asked(income_id, listed, ceiling_fen=1, valid_from="2024-06-04")
    assert (await authority.post("/prices/ceilings", json=later)).status_code == 201
    stood = (await authority.get(f"/prices/ceilings/{first['id']}")).json()
    assert (stood["state"], stood["valid_to"], stood["version"]) == ("replaced", "2024-06-04", 2)
    buyer = client_for(await buyer_of(database))
    assert (await buyer.post("/quotes", json=wanted(listed))).status_code == 201  # today the first one holds
