"""A ceiling is set while a listing is published or a contract asked for: nothing passes it by; an excess is deducted once."""

import asyncio

from datamarket.catalogue.ceilings.rules import PriceAboveCeiling
from datamarket.catalogue.listings import actions as listings
from datamarket.catalogue.listings import queries
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.foundation.db import Database
from tests.world import catalogue, prices, trading, zones
from tests.world.people import AUTHORITY, moment


async def test_a_publication_waits_for_a_ceiling_that_is_being_set(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        made = await catalogue.draft_zone_product(session, operated=operated)
        await catalogue.approve(session, made)
        listed = await catalogue.list_made(session, made, plan=catalogue.PER_CALL)
        placed = await queries.lock_listing(session, listed.listing.id, visible_to=listed.account)
        await listings.move_listing(session, listed.account, placed, ListingEvent.SUBMIT, now=moment())
        income = await prices.approved(session, operated)

    async def publish() -> None:
        async with database.transaction() as session:
            placed = await queries.lock_listing(session, listed.listing.id, visible_to=AUTHORITY)
            await listings.move_listing(session, AUTHORITY, placed, ListingEvent.PUBLISH, now=moment())

    async with database.transaction() as session:
        await prices.ceiling(session, income.id, made.product.id, 2_999)
        publishing = asyncio.create_task(publish())
        await asyncio.sleep(0.3)
        assert not publishing.done()
    [outcome] = await asyncio.gather(publishing, return_exceptions=True)
    assert isinstance(outcome, PriceAboveCeiling)


async def test_a_ceiling_waits_for_a_publication_and_then_stops_its_contracts(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        income = await prices.approved(session, operated)

    async def cap() -> None:
        async with database.transaction() as session:
            await prices.ceiling(session, income.id, listed.product.id, 2_999)

    async with database.transaction() as session:
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.PER_CALL)
    async with database.transaction() as session:
        for by, event in ((listed.account, ListingEvent.SUSPEND), (listed.account, ListingEvent.RESUME)):
            placed = await queries.lock_listing(session, listed.listing.id, visible_to=by)
            await listings.move_listing(session, by, placed, event, now=moment())
        capping = asyncio.create_task(cap())
        await asyncio.sleep(0.3)
        assert not capping.done()
    await capping
    asked = trading.requested_contract(database, listed=listed)
    [outcome] = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(outcome, PriceAboveCeiling)


async def test_of_many_that_set_the_first_ceiling_one_does(database: Database) -> None:
    async with database.transaction() as session:
        operated = await zones.open_zone(session)
        listed = await catalogue.published_zone_listing(session, operated=operated, plan=catalogue.PER_CALL)
        income = await prices.approved(session, operated)

    async def cap() -> None:
        async with database.transaction() as session:
            await prices.ceiling(session, income.id, listed.product.id, 3_000)

    outcomes = await asyncio.gather(*(cap() for _ in range(4)), return_exceptions=True)
    told = sorted(type(outcome).__name__ for outcome in outcomes)
    assert told == ["CeilingDayWrong"] * 3 + ["NoneType"]
