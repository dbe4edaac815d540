"""A payment of awards beside a suspension of its payee at the same moment, each on a connection of its own."""

import asyncio

from datamarket.foundation.db import Database, PageAsked
from datamarket.participants import actions as participant_actions
from datamarket.participants import queries as participant_queries
from datamarket.participants.terms import ParticipantEvent
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.people import AUTHORITY
from tests.world.subsidy import AFTER_PUBLICITY, Officers


async def test_a_payment_waits_for_a_suspension_and_holds_the_award(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    posting = (RunEvent.APPROVE, RunEvent.POST)
    await world.moved(fresh_database, officers, run, *posting, now=AFTER_PUBLICITY)
    async with fresh_database.transaction() as session:
        row = await participant_queries.lock_participant(session, first.id)
        await participant_actions.move_participant(
            session, AUTHORITY, row, ParticipantEvent.SUSPEND, reason="核查", now=AFTER_PUBLICITY
        )
        await session.flush()
        paying = asyncio.create_task(
            world.moved(fresh_database, officers, run, RunEvent.PAY, now=AFTER_PUBLICITY)
        )
        await asyncio.sleep(0.3)
        assert not paying.done()
    await paying
    async with fresh_database.transaction() as session:
        held = await run_queries.list_holds(session, run.id, page=PageAsked(9))
    assert {(hold.stage, hold.state) for hold in held} == {("pay", "held")}
    await assert_books_hold(fresh_database.url)
