"""The state of a contract at an instant is a seek, beside any number of its uses."""

from datetime import timedelta
from typing import Any

import asyncpg
import orjson

from datamarket.authority.queries import _STATE
from datamarket.foundation.db import Database
from tests.contracts.test_chain import standing_deal
from tests.world.people import NOON

USES = 5_000
_INSERT = """
INSERT INTO audit_event (id, at, actor_id, action, subject_type, subject_id, facts)
SELECT uuidv7(), $2, $1, 'contracts.use', 'contract', $1, '{}' FROM generate_series(1, $3::int)
"""


async def test_uses_of_a_contract_are_not_read_for_its_state(fresh_database: Database) -> None:
    deal, _ = await standing_deal(fresh_database)
    owner: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(fresh_database.url)
    await owner.execute(_INSERT, deal.contract.id, NOON + timedelta(days=1), USES)
    await owner.execute("ANALYZE audit_event")
    statement = str(_STATE.text).replace(":contract", "$1").replace(":at", "$2")
    explained = await owner.fetchval(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", deal.contract.id, NOON + timedelta(days=2)
    )
    await owner.close()
    plan: dict[str, Any] = orjson.loads(explained)[0]["Plan"]
    assert "audit_event_contract_idx" in explained
    assert plan["Actual Rows"] == 1
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 40
