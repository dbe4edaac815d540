"""The audit trail over HTTP."""

from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world.participants import admitted, suspend
from tests.world.people import AUDITOR


async def test_the_audit_trail_tells_each_step(client_for: ClientFor, database: Database) -> None:
    async with database.transaction() as session:
        firm = await admitted(session)
        await suspend(session, firm.id)
    events = (await client_for(AUDITOR).get("/audit-events", params={"subject": str(firm.id)})).json()[
        "items"
    ]
    assert sorted(event["action"] for event in events) == [
        "participants.admit",
        "participants.register",
        "participants.suspend",
    ]
