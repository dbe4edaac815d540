"""An approval beside an objection to the same list, and two decisions of one, each on a connection of its own."""

import asyncio

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.states import TransitionNotAllowed
from datamarket.subsidy.objections.tables import SubsidyObjection
from datamarket.subsidy.objections.terms import ObjectionEvent
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import subsidy as world
from tests.world.books import assert_books_hold
from tests.world.participants import acting_for
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY, Officers


async def test_of_objections_beside_an_approval_either_all_are_late_or_it_waits(
    fresh_database: Database,
) -> None:
    """The objectors' clock is that of the last day, the approver's of the day after: as at midnight."""
    first, second = await world.two_sellers_and_a_case(fresh_database)
    officers = Officers()
    run = await world.publicised(fresh_database, officers)
    calls = [
        world.objected(fresh_database, acting_for(first), run),
        world.moved(fresh_database, officers, run, RunEvent.APPROVE, now=AFTER_PUBLICITY),
        world.objected(fresh_database, acting_for(first), run),
        world.objected(fresh_database, acting_for(second), run),
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    approved = outcomes[1]
    objected = [outcome for outcome in outcomes if isinstance(outcome, SubsidyObjection)]
    refused = {type(outcome).__name__ for outcome in outcomes if isinstance(outcome, Exception)}
    assert isinstance(approved, SubsidyRun) is (objected == [])
    assert refused == ({"ObjectionsOpen", "IntegrityError"} if objected else {"ListClosed"})
    await assert_books_hold(fresh_database.url)


async def test_of_two_decisions_at_once_one_counts(fresh_database: Database) -> None:
    first, _ = await world.two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())
    objection = await world.objected(fresh_database, acting_for(first), run)
    events = (ObjectionEvent.UPHOLD, ObjectionEvent.REJECT)
    outcomes = await asyncio.gather(
        *(world.judged(fresh_database, actor(Role.FINANCE), objection, event) for event in events),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [TransitionNotAllowed]
    await assert_books_hold(fresh_database.url)
