"""A suspension of an organisation beside what it does at the same moment, each on a connection of its own."""

import asyncio

from datamarket.catalogue.listings.terms import ListingState
from datamarket.foundation.db import Database
from datamarket.participants.rules import ParticipantNotAdmitted
from tests.world import catalogue
from tests.world.catalogue import Listed
from tests.world.participants import suspend


async def listed_draft(database: Database) -> Listed:
    async with database.transaction() as session:
        return await catalogue.list_made(session, await catalogue.approved_product(session))


async def published(database: Database, listed: Listed) -> ListingState | type[Exception]:
    try:
        async with database.transaction() as session:
            return ListingState((await catalogue.publish(session, listed.account, listed.listing.id)).state)
    except ParticipantNotAdmitted as refused:
        return type(refused)


async def state_of(database: Database, listed: Listed) -> ListingState:
    async with database.connection() as connection:
        state = await connection.fetchval("SELECT state FROM listing WHERE id = $1", listed.listing.id)
        return ListingState(state)


async def test_a_publication_waits_for_a_suspension_and_is_refused(database: Database) -> None:
    listed = await listed_draft(database)
    async with database.transaction() as session:
        await suspend(session, listed.maker.id)
        await session.flush()
        publishing = asyncio.create_task(published(database, listed))
        await asyncio.sleep(0.3)
        assert not publishing.done()
    assert await publishing is ParticipantNotAdmitted
    assert await state_of(database, listed) is ListingState.DRAFT


async def test_a_suspension_waits_for_a_publication_and_takes_it_along(database: Database) -> None:
    listed = await listed_draft(database)

    async def suspending() -> None:
        async with database.transaction() as session:
            await suspend(session, listed.maker.id)

    async with database.transaction() as session:
        await catalogue.publish(session, listed.account, listed.listing.id)
        await session.flush()
        waiting = asyncio.create_task(suspending())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await waiting
    assert await state_of(database, listed) is ListingState.SUSPENDED
