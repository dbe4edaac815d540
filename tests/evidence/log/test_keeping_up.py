"""A log that falls behind its rows is noticed, though nothing in it is wrong."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from datamarket.evidence.log.sealing import PASS_ROWS
from datamarket.foundation import checks
from datamarket.foundation.db import Database
from datamarket.server.checks import CHECKS
from datamarket.server.sealing import seal_all
from tests.world import trading
from tests.world.people import NOON
from tests.world.sealing import settings_in
from tests.world.trading import LEDGER_ID

I12 = [check for check in CHECKS if check.number == 12]
LIMIT = 262_144
_MANY = """
INSERT INTO audit_event (id, at, actor_id, action, subject_type, subject_id, facts)
SELECT gen_random_uuid(), now(), gen_random_uuid(), 'test.many', 'thing', gen_random_uuid(), '{}'
  FROM generate_series(1, $1::int)
"""
_COPIES = {
    "I12 audit": """
    INSERT INTO audit_event (id, xid, at, actor_id, action, subject_type, subject_id, facts)
    SELECT gen_random_uuid(), $1::bigint, at, actor_id, action, subject_type, subject_id, facts FROM audit_event LIMIT 1
    """,
    "I12 entry": """
    INSERT INTO ledger_entry (xid, ledger_id, period, id, kind, effective_at, recorded_at, source_type, source_id, actor_id, digest)
    SELECT $1::bigint, ledger_id, period, gen_random_uuid(), kind, effective_at, recorded_at, source_type, source_id, actor_id, digest
      FROM ledger_entry LIMIT 1
    """,
}


async def breaches(owner: "asyncpg.Connection[asyncpg.Record]", limit: int = LIMIT) -> dict[str, list[str]]:
    """As the files say it, or with a lower limit of rows that wait."""
    asked = [
        replace(
            check,
            broken=check.broken.replace(f"LIMIT {LIMIT + 1}", f"LIMIT {limit + 1}").replace(
                f"> {LIMIT}", f"> {limit}"
            ),
        )
        for check in I12
    ]
    found = await checks.run(owner, LEDGER_ID, asked)
    return {result.check.id: result.breaches for result in found if not result.holds}


@pytest_asyncio.fixture
async def owner(
    fresh_database: Database, tmp_path: Path
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Of a market with a trade, all of it sealed."""
    await trading.trade(fresh_database, await trading.active_contract(fresh_database))
    await seal_all(fresh_database, settings_in(tmp_path), lambda: NOON)
    connection = await asyncpg.connect(fresh_database.url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("check", sorted(_COPIES))
async def test_a_row_with_a_number_of_another_node_is_named(
    owner: "asyncpg.Connection[asyncpg.Record]", check: str
) -> None:
    """Above every number given here it would wait for ever; the numbers of one server never do."""
    next_one = await owner.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    await owner.execute(_MANY, 3)
    assert await breaches(owner) == {}  # waits for the next pass, as rows do
    await owner.execute(_COPIES[check], next_one + 1_000_000)
    [(told, [breach])] = (await breaches(owner)).items()
    assert (told, breach[:11]) == (check, "no leaf of ")


async def test_more_rows_than_four_passes_take_are_noticed(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert LIMIT == 4 * PASS_ROWS
    await owner.execute(_MANY, 40)
    assert await breaches(owner, 40) == {}
    await owner.execute(_MANY, 1)
    assert await breaches(owner, 40) == {"I12 audit": ["more than 262144 rows wait for a block"]}
