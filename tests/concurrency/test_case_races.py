"""Two officers at once: one project is seen as one, and a case is decided once."""

import asyncio
from typing import Any

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.subsidy.cases import actions, queries
from datamarket.subsidy.cases.terms import CaseState, DoubtKind
from tests.world import subsidy as world
from tests.world.people import AUTHORITY, actor, moment


async def test_of_two_like_cases_entered_at_once_the_second_meets_the_first(fresh_database: Database) -> None:
    owner = await world.enterprise(fresh_database)
    entered = [
        world.case(fresh_database, owner, title_zh="近海作业安全预警", verified=False) for _ in range(4)
    ]
    made = await asyncio.gather(*entered)
    async with fresh_database.transaction() as session:
        found = await queries.beside(session, [case.id for case in made], visible_to=AUTHORITY)
    for case in made:
        alike = {doubt.case_id for doubt in found[case.id].doubts if doubt.kind is DoubtKind.TITLE}
        assert alike == {other.id for other in made} - {case.id}


async def test_a_case_that_is_verified_corrected_and_revoked_at_once_ends_as_its_life_allows(
    fresh_database: Database,
) -> None:
    case = await world.case(fresh_database, await world.enterprise(fresh_database), verified=False)
    officers = [actor(Role.AUTHORITY) for _ in range(6)]

    async def act(place: int, by: Actor) -> str:
        async with fresh_database.transaction() as session:
            locked = await queries.lock_case(session, case.id, visible_to=by)
            told: dict[str, Any] = {"reason": "并发", "now": moment()}
            if place == 0:
                await actions.revoke_case(session, by, locked, **told)
            elif place == 1:
                await actions.correct_case(session, by, locked, title_en=str(by.account_id), **told)
            else:
                await world.verify(session, locked, by)
        return "done"

    answers = await asyncio.gather(*(act(*one) for one in enumerate(officers)), return_exceptions=True)
    assert answers[0] == "done"
    assert all(answer == "done" or isinstance(answer, MarketError) for answer in answers), answers
    async with fresh_database.transaction() as session:
        last = await queries.get_case(session, case.id, visible_to=AUTHORITY)
    assert last.state == CaseState.REVOKED
    assert last.version == 1 + answers.count("done")
