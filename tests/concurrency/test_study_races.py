"""Two officers ask the same at once: one study, with its files once."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.subsidy.questions import actions, queries
from datamarket.subsidy.questions.terms import StudyFile
from datamarket.subsidy.runs import queries as run_queries
from tests.world import subsidy as world
from tests.world.people import AUTHORITY
from tests.world.subsidy import AFTER_YEAR, Officers

QUESTION = {"set": {"facts.tax": "6%"}}


async def test_the_same_question_asked_at_once_is_one_study(fresh_database: Database) -> None:
    await world.two_sellers_and_a_case(fresh_database)
    run = await world.publicised(fresh_database, Officers())

    async def kept() -> UUID:
        async with fresh_database.transaction() as session:
            view = await run_queries.get_run(session, run.id)
            return (await actions.keep_study(session, AUTHORITY, view, QUESTION, now=AFTER_YEAR)).id

    first, second, third = await asyncio.gather(kept(), kept(), kept())
    assert first == second == third
    async with fresh_database.transaction() as session:
        study = await queries.get_study(session, first)
        for name in StudyFile:
            assert await queries.read_study_file(session, study.id, name)
    owner = await asyncpg.connect(fresh_database.url)
    copied = "INSERT INTO {0} SELECT (jsonb_populate_record(t, $1)).* FROM {0} t LIMIT 1"
    for table, change, guard in (
        ("subsidy_study", '{"id": "00000000-0000-7000-8000-000000000001"}', "subsidy_study_sha256_key"),
        ("subsidy_study", '{"sha256": "short"}', "subsidy_study_sha256_check"),
        ("subsidy_study_file", '{"name": "study.doc"}', "subsidy_study_file_name_check"),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=guard):
            await owner.execute(copied.format(table), change)
    await owner.close()
