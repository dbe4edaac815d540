"""What was recovered of an award, and the books justify again, is awarded again: once, in their amount, through the bank."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from datamarket.foundation import checks
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.server.app import create_app
from datamarket.server.checks import CHECKS
from datamarket.subsidy.integrity.terms import FlagEvent
from datamarket.subsidy.runs import queries as run_queries
from tests.subsidy.conftest import Market
from tests.subsidy.recoveries.test_api import Desk, refused
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, auditing, balance_of
from tests.world.recoveries import LATER, PaidYear, paid_run
from tests.world.trading import LEDGER_ID

FLAGGED = 10_000_000
KEPT = 5_000_000
TAKEN = 100_000
PLAN = [{"due_on": "2025-06-30", "amount_fen": TAKEN}]
TAMPERED = {
    "UPDATE subsidy_recovery SET restored_fen = 1": "recovery ",
    "UPDATE subsidy_recovery_restoration SET entry_id = id": "restoration ",
    "UPDATE subsidy_recovery_restoration SET set_off_fen = 0": "subsidy_restored of",
}


@pytest_asyncio.fixture
async def desk(fresh_database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Of the seller's award two thirds stand on sales there and back."""
    on, officers = await world.stage(fresh_database), world.Officers()
    seller, other = [await world.enterprise(fresh_database) for _ in range(2)]
    agreement, [sold] = await world.sells(on, seller, KEPT, at=world.MARCH)
    for one, to in ((seller, other), (other, seller)):
        await world.sells(on, one, FLAGGED // 2, FLAGGED // 2, to=to, at=world.MARCH)
    run, line = await paid_run(fresh_database, officers)
    assert (line.enterprise_id, line.amount_fen) == (seller.id, (KEPT + FLAGGED) // 100)
    year = PaidYear(fresh_database, on, seller, agreement, sold.id, run, line.id, officers)
    market: Market
    app = create_app(settings, fresh_database, read_clock=lambda: market.now)
    market = Market(app, fresh_database, [seller], [agreement], now=LATER)
    desk = Desk(market, year)
    found = await desk.post(desk.proposer, "integrity/detections", year=world.YEAR)
    assert found.json()["raised"] == 2
    yield desk
    for client in market.clients:
        await client.aclose()
    await assert_books_hold(fresh_database.url)


async def judged(desk: Desk, *events: FlagEvent) -> None:
    """The sales are a ring of two, and the same amount there and back: two flags."""
    for flag in (await desk.market.get("/subsidy/integrity/flags"))["items"]:
        for event in events:
            told = {"event": event, "reason": "经核查"}
            done = await desk.post(desk.decider, f"integrity/flags/{flag['id']}/events", **told)
            assert done.status_code == 200, done.text
    desk.market.now += timedelta(minutes=1)


async def recovered(desk: Desk, **more: Any) -> str:
    """The flag is confirmed, and what it carried of the award is decided for recovery."""
    await judged(desk, FlagEvent.CONFIRM)
    made = (await desk.proposed("flag")).json()
    assert made["amount_fen"] == TAKEN
    path = f"recoveries/{made['id']}"
    assert (await desk.decided(path, **({"instalments": PLAN} | more))).status_code == 200
    return path


async def restored(desk: Desk, path: str) -> Any:
    return await desk.post(desk.decider, f"{path}/events", event="restore", reason="疑点已排除")


async def payable(desk: Desk) -> int:
    key = AccountKey(LEDGER_ID, desk.year.seller.id, AccountKind.SUBSIDY_RESTORED)
    return -await balance_of(desk.year.database, key)


@pytest.mark.edge(60, part="recovered, then awarded again")
async def test_what_the_books_justify_again_is_awarded_again_once_and_paid_by_the_bank(desk: Desk) -> None:
    path = await recovered(desk)
    assert (await desk.received(path, TAKEN)).status_code == 201
    refused(await restored(desk, path), 409, "subsidy.nothing-to-restore")
    await judged(desk, FlagEvent.REOPEN, FlagEvent.DISMISS)
    missing = await desk.post(desk.decider, f"{path}/events", event="restore")
    refused(missing, 422, "recovery.reason-missing")
    again = (await restored(desk, path)).json()
    assert (again["state"], again["restored_fen"], await payable(desk)) == ("recovered", TAKEN, TAKEN)
    assert [one["set_off_fen"] for one in again["restorations"]] == [0]
    refused(await restored(desk, path), 409, "subsidy.nothing-to-restore")
    assert (await desk.line())["line"]["recovery"] is None
    batch = (
        await desk.market.client(desk.payer).post("/payouts/batches", json={"kinds": ["subsidy_restored"]})
    ).json()
    assert (batch["payouts"], batch["total_fen"]) == (1, TAKEN)
    await judged(desk, FlagEvent.REOPEN, FlagEvent.CONFIRM)
    assert (await desk.proposed("flag")).json()["amount_fen"] == TAKEN


@pytest.mark.edge(60, part="restored while it is still owed")
async def test_what_is_restored_is_first_set_off_against_what_is_owed_and_what_fraud_took_stays(
    desk: Desk,
) -> None:
    path = await recovered(desk, fine="10%", instalments=[PLAN[0] | {"amount_fen": TAKEN + 10_000}])
    fraud = f"recoveries/{(await desk.proposed('fraud', amount_fen=20_000)).json()['id']}"
    assert (await desk.decided(fraud, instalments=[PLAN[0] | {"amount_fen": 20_000}])).status_code == 200
    assert (await desk.received(path, 40_000)).status_code == 201
    await desk.year.refunded(1_000_000)
    await judged(desk, FlagEvent.REOPEN, FlagEvent.DISMISS)
    refused(await restored(desk, fraud), 409, "subsidy.recovery-beyond-books")
    again = (await restored(desk, path)).json()
    assert (again["restored_fen"], again["state"], again["open_fen"]) == (TAKEN - 10_000, "recovered", 0)
    assert (again["restorations"][0]["set_off_fen"], await payable(desk)) == (70_000, 20_000)
    assert (await desk.line())["line"]["recovery"] == "recovering"
    async with desk.year.database.transaction() as session:
        left = {award.paid_fen for award in await run_queries.paid_awards(session, line_id=desk.year.line)}
    assert left == {(KEPT + FLAGGED) // 100}
    async with auditing(desk.year.database.url) as connection:
        for deed, named in TAMPERED.items():
            attempt = connection.transaction()
            await attempt.start()
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(deed)
            wanted = [check for check in CHECKS if check.id.endswith("-recoveries")]
            found = [
                breach for one in await checks.run(connection, LEDGER_ID, wanted) for breach in one.breaches
            ]
            await attempt.rollback()
            assert any(named in breach for breach in found), (deed, found)
            assert any("restored_fen" in one or "entry_id" in one or "set_off_fen" in one for one in found), (
                found
            )
