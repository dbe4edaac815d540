"""The counts of the overview follow each listing and product; what goes past the triggers is seen by I21, and restored."""

from fastapi import FastAPI

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings import queries as listing_queries
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.foundation import checks
from datamarket.foundation.db import Connection, Database, owner_connection
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world import catalogue
from tests.world.catalogue import Listed
from tests.world.people import NOON, moment
from tests.world.trading import LEDGER_ID

COUNTED = ("operation_products", "exchange_products", "published_listings")


async def _move(database: Database, actor: Actor, listed: Listed, event: ListingEvent) -> None:
    async with database.transaction() as session:
        placed = await listing_queries.lock_listing(session, listed.listing.id, visible_to=actor)
        await listing_actions.move_listing(session, actor, placed, event, reason="（模拟）", now=moment())


async def _breaches(owner: Connection) -> list[str]:
    [found] = await checks.run(owner, LEDGER_ID, checks.of_room("datamarket.statistics"))
    assert found.seen > 0
    return found.breaches


async def test_counts_follow_each_event_and_are_restored_after_a_bulk_load(
    fresh_database: Database, settings: Settings
) -> None:
    app: FastAPI = create_app(settings, fresh_database, read_clock=lambda: NOON)
    async with (
        client_of(app, None, NOON) as visitor,
        owner_connection(fresh_database.url) as owner,
    ):

        async def told() -> list[int]:
            overview = (await visitor.get("/statistics/overview")).json()
            return [overview[name] for name in COUNTED]

        async with fresh_database.transaction() as session:
            await catalogue.published_zone_listing(session)
            own = await catalogue.published_listing(session)
            await catalogue.draft_product(session)
        assert await told() == [1, 1, 2]
        for event, published in (
            (ListingEvent.SUSPEND, 1),
            (ListingEvent.RESUME, 2),
            (ListingEvent.DELIST, 1),
        ):
            await _move(fresh_database, own.account, own, event)
            assert await told() == [1, 1, published]
        assert await _breaches(owner) == []

        await owner.execute("SET session_replication_role = replica")
        await owner.execute("UPDATE listing SET state = 'published', version = version + 1")
        assert await _breaches(owner) == ["published_listings: 1 for 2"]
        async with owner.transaction():
            await owner.execute("DELETE FROM market_tally")
            await owner.execute("INSERT INTO market_tally SELECT * FROM tally_recounted()")
        assert await _breaches(owner) == []
        await owner.execute("SET session_replication_role = origin")
        await owner.execute("UPDATE listing SET state = 'suspended'")
        assert await _breaches(owner) == []
