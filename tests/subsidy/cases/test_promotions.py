"""A case enters a higher list by an event of its own: by another hand, with the list's paper, and dated."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from datamarket.foundation import checks
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.server.app import create_app
from datamarket.server.checks import CHECKS
from datamarket.subsidy.facts import snapshot as snapshots
from tests.conftest import ClientFor, client_of
from tests.subsidy.cases.test_api import paper, project, refused, registered
from tests.world import subsidy as world
from tests.world.books import auditing
from tests.world.people import AUTHORITY, NOON, actor
from tests.world.subsidy import VERIFIER
from tests.world.trading import LEDGER_ID

YEAR = 2024
NATIONAL = {
    "level": "national",
    "listed_on": "2024-08-01",
    "list_name": "国家级名单第二批",
    "list_number": "17",
}


async def listed(database: Database, code: str, as_of: datetime) -> tuple[object, object]:
    """Whether a snapshot of that moment has the case on the national list of the year, and its investment."""
    year = snapshots.RunYear(LEDGER_ID, YEAR, as_of, new_id(as_of))
    async with database.transaction() as session:
        taken = (await snapshots.take(await driver(session), year, as_of=as_of)).snapshot
    [found] = [one for one in taken.candidates if one.id == code]
    return found.facts["case_listed_in_period"], found.facts["verified_investment"]


async def test_a_snapshot_from_before_a_promotion_sees_the_list_that_the_case_was_on(
    database: Database, settings: Settings, client_for: ClientFor
) -> None:
    later = create_app(settings, database, read_clock=lambda: NOON + timedelta(minutes=2))
    clerk, officer = client_for(AUTHORITY), client_of(later, VERIFIER, NOON)
    city: dict[str, Any] = {"level": "provincial", "listed_on": "2024-05-24", "list_name": "省级名单"}
    made = await registered(clerk, project(await world.enterprise(database), **city))
    path = f"/subsidy/cases/{made['id']}"
    shown = (await officer.post("/subsidy/papers", json=paper())).json()["id"]
    verifier = client_for(VERIFIER)
    verify = {"event": "verify", "investment_fen": 300_000_000, "paper_id": shown}
    assert (await verifier.post(f"{path}/events", json=verify)).status_code == 200
    promote = {"event": "promote", "paper_id": shown} | NATIONAL
    assert refused(await clerk.post(f"{path}/events", json=promote)) == (
        409,
        "subsidy.case-hands-not-separate",
    )
    for lacking in ("paper_id", "level", "list_number"):
        told = {name: value for name, value in promote.items() if name != lacking}
        answer = await officer.post(f"{path}/events", json=told)
        assert refused(answer) == (422, "subsidy.promotion-incomplete")
    for wrong in ({"level": "provincial"}, {"listed_on": "2024-05-23"}):
        answer = await officer.post(f"{path}/events", json=promote | wrong)
        assert refused(answer) == (422, "subsidy.promotion-not-higher")
    done = (await officer.post(f"{path}/events", json=promote)).json()
    assert (done["state"], done["level"], done["listed_on"]) == ("verified", "national", "2024-08-01")
    [kept] = done["promotions"]
    assert (kept["from_level"], kept["from_list_name"], kept["promoted_by"]) == (
        "provincial",
        "省级名单",
        str(VERIFIER.account_id),
    )
    after = datetime.fromisoformat(kept["promoted_at"])
    assert await listed(database, made["code"], NOON + timedelta(minutes=1)) == (False, 300_000_000)
    assert await listed(database, made["code"], after + timedelta(minutes=1)) == (True, 300_000_000)
    assert refused(await officer.post(f"{path}/events", json=promote)) == (
        422,
        "subsidy.promotion-not-higher",
    )
    await officer.aclose()
    third = client_for(actor(*AUTHORITY.roles))
    assert (await third.get(f"{path}/allowed-events")).json()["events"] == ["correct", "revoke"]


async def test_a_promotion_is_not_unsaid_nor_made_by_the_hand_that_entered_the_case(
    database: Database, client_for: ClientFor
) -> None:
    clerk, officer = client_for(AUTHORITY), client_for(VERIFIER)
    made = await registered(clerk, project(await world.enterprise(database), level="city"))
    shown = (await officer.post("/subsidy/papers", json=paper())).json()["id"]
    promote = {"event": "promote", "paper_id": shown} | NATIONAL | {"list_number": made["code"]}
    assert (await officer.post(f"/subsidy/cases/{made['id']}/events", json=promote)).status_code == 200
    guarded = {
        "subsidy_case_hands_separate": "INSERT INTO subsidy_case_promotion SELECT p.case_id, 2, p.from_level,"
        " p.from_listed_on, NULL, NULL, p.level, p.listed_on, p.list_name, p.list_number, p.paper_id,"
        " c.registered_by, now() FROM subsidy_case_promotion p JOIN subsidy_case c ON c.id = p.case_id LIMIT 1",
        "append_only": "UPDATE subsidy_case_promotion SET from_level = 'national'",
    }
    wanted = [check for check in CHECKS if check.id == "I19"]
    async with auditing(database.url) as connection:
        for guard, deed in guarded.items():
            attempt = connection.transaction()
            await attempt.start()
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await connection.execute(deed)
            await attempt.rollback()
            assert constraint_of(caught.value, {guard}) == guard
        attempt = connection.transaction()
        await attempt.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(guarded["append_only"])
        [found] = await checks.run(connection, LEDGER_ID, wanted)
        await attempt.rollback()
    assert any("subsidy_case_promotion" in one and "from_level" in one for one in found.breaches), (
        found.breaches
    )
