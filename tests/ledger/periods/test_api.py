"""Months over HTTP: closed in their order, reopened as a further revision, archived for good."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.ledger.periods.rules import PeriodMoveRefused, PeriodOutOfOrder
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.ledger.rules import PeriodClosed
from datamarket.server.app import create_app
from datamarket.slices import constraint_errors
from tests.conftest import ClientFor, client_of
from tests.ledger.conftest import APRIL, LEDGER, MARCH, MAY, Desk
from tests.world import periods, trading
from tests.world.books import assert_books_hold
from tests.world.people import FINANCE
from tests.world.periods import noon_of


async def trial(desk: Desk, at: str) -> dict[str, tuple[int, int]]:
    found = (await desk.finance.get("/ledger/trial-balance", params={"at": at})).json()
    assert found["difference_fen"] == 0
    return {row["kind"]: (row["debit_fen"], row["credit_fen"]) for row in found["rows"]}


async def test_months_are_closed_in_their_order_once_they_are_over(
    desk: Desk, deal: trading.Agreement
) -> None:
    assert await desk.refused(202406, "begin-closing") == "ledger.period-not-over"
    assert await desk.refused(202404, "begin-closing") == "ledger.earlier-month-open"
    assert await desk.refused(202403, "close") == "state.transition-not-allowed"
    assert await desk.refused(202313, "close") == "ledger.period-unknown"
    begun = await desk.moved(202403, "begin-closing")
    assert (begun["state"], begun["revision"], begun["closing_root"]) == ("closing", 0, None)
    assert (await desk.moved(202403, "cancel-closing"))["state"] == "open"
    assert (await desk.move(202403, "begin-closing", headers={"If-Match": '"1"'})).status_code == 412
    closed = await desk.moved(202403, "begin-closing", "close")
    assert (closed["state"], closed["revision"], len(closed["closing_root"])) == ("closed", 1, 64)
    shown = await desk.finance.get("/ledger/periods/202403")
    assert (shown.json(), shown.headers["etag"]) == (closed, f'"{closed["version"]}"')
    allowed = (await desk.finance.get("/ledger/periods/202403/allowed-events")).json()
    assert allowed == {"state": "closed", "events": ["reopen", "archive"]}
    await desk.moved(202404, "begin-closing", "close")
    listed = (await desk.finance.get("/ledger/periods", params={"limit": 100})).json()["items"]
    assert [item["id"] for item in listed[:4]] == [202404, 202403, 202402, 202401]
    assert {item["state"] for item in listed} == {"closed"}
    assert (await desk.finance.get("/ledger/periods/202405")).json()["version"] == 0


async def test_a_late_event_stands_in_the_month_of_now_and_a_closed_month_never_changes(
    desk: Desk, deal: trading.Agreement, fresh_database: Database
) -> None:
    await desk.moved(202403, "begin-closing", "close")
    await desk.moved(202404, "begin-closing")
    before = await trial(desk, "2024-04-30")
    for day in (MARCH, APRIL, date(2024, 2, 5)):
        await trading.trade(fresh_database, deal, 2, at=noon_of(day))
    assert await trial(desk, "2024-04-30") == before
    await desk.moved(202404, "close")
    assert await trial(desk, "2024-04-30") == before
    bought = {"kind": "buyer_funds", "owner": str(deal.buyer.id)}
    account = (await desk.finance.get("/ledger/accounts", params=bought)).json()["items"][0]["id"]
    june = (
        await desk.finance.get(f"/ledger/accounts/{account}/statement", params={"from": "2024-06-01"})
    ).json()
    late = [line for line in june["items"] if line["day"] == "2024-06-01"]
    assert [line["period"] for line in late] == [202406] * 3
    assert {line["effective_at"][:7] for line in late} == {"2024-03", "2024-04", "2024-02"}


async def test_a_month_that_closes_takes_no_posting_when_it_is_the_month_of_now_too(
    desk: Desk, deal: trading.Agreement, fresh_database: Database, settings: Settings
) -> None:
    """Where the clock itself stands in the closed month there is no open one for a late event to stand in."""
    in_march = create_app(settings, fresh_database, read_clock=lambda: noon_of(MARCH))
    finance = client_of(in_march, FINANCE, noon_of(MARCH))
    advice = {"owner_id": str(deal.buyer.id), "amount_fen": 500, "reference": "advice of march"}
    for event in ("begin-closing", "close"):
        await desk.moved(202403, event)
        before = await trial(desk, "2024-03-31")
        refused = await finance.post("/ledger/deposits", json=advice)
        assert (refused.status_code, refused.json()["code"]) == (409, "ledger.period-closed")
        assert await trial(desk, "2024-03-31") == before
    [outcome] = await trading.record(
        fresh_database, [trading.intent(deal, at=noon_of(MARCH))], now=noon_of(MARCH)
    )
    assert isinstance(outcome, PeriodClosed)
    await desk.moved(202403, "reopen", reason="供应商更正了三月的用量")
    assert (await finance.post("/ledger/deposits", json=advice)).status_code == 201
    await finance.aclose()


async def test_a_reopened_month_is_closed_as_a_further_revision(
    desk: Desk, deal: trading.Agreement, fresh_database: Database
) -> None:
    for period in (202403, 202404, 202405):
        first = await desk.moved(period, "begin-closing", "close")
    assert await desk.refused(202403, "reopen", reason="x") == "ledger.later-month-closed"
    assert await desk.refused(202405, "reopen") == "ledger.reason-missing"
    assert await desk.refused(202405, "archive") == "ledger.year-not-closed"
    reopened = await desk.moved(202405, "reopen", reason="the usage of May was corrected")
    assert (reopened["state"], reopened["closed_at"]) == ("open", None)
    await trading.trade(fresh_database, deal, 13, at=noon_of(MAY))
    second = await desk.moved(202405, "begin-closing", "close")
    assert (first["revision"], second["revision"]) == (1, 2)
    assert first["closing_root"] != second["closing_root"]
    async with fresh_database.connection() as connection:
        kept = await connection.fetch(
            "SELECT revision, sum(debit_fen)::bigint AS debit FROM ledger_period_balance"
            " WHERE period = 202405 GROUP BY revision ORDER BY revision"
        )
    assert [row["revision"] for row in kept] == [1, 2]
    assert kept[0]["debit"] < kept[1]["debit"]
    events = (await desk.finance.get("/audit-events", params={"limit": 100})).json()["items"]
    roots = [
        event["facts"].get("closing_root") for event in events if event["action"] == "ledger.close-period"
    ]
    assert {first["closing_root"], second["closing_root"]} <= set(roots)


async def test_a_year_is_archived_for_good(fresh_database: Database, deal: trading.Agreement) -> None:
    later = datetime(2025, 2, 3, 4, tzinfo=UTC)
    await periods.close(fresh_database, LEDGER, 202403, now=later)
    await periods.close(fresh_database, LEDGER, 202404, now=later)
    await periods.close(fresh_database, LEDGER, 202405, now=later)
    await periods.close(fresh_database, LEDGER, 202406, now=later)
    await periods.close(fresh_database, LEDGER, 202412, now=later)
    archived = await periods.move(fresh_database, LEDGER, 202403, PeriodEvent.ARCHIVE, now=later)
    assert archived.state == "archived"
    assert archived.closing_root
    await assert_books_hold(fresh_database.url)
    async with fresh_database.connection() as connection:
        for target in ("open", "closing"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
                await connection.execute(
                    "SELECT ledger_move_period($1, 202403, 'archived', $2)", LEDGER, target
                )
            assert constraint_errors()[str(refused.value.constraint_name)] is PeriodMoveRefused
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute("SELECT ledger_move_period($1, 202404, 'closed', 'open')", LEDGER)
        assert constraint_errors()[str(refused.value.constraint_name)] is PeriodOutOfOrder


async def test_a_month_without_movements_is_closed_and_reopened_once(
    database: Database, client_for: ClientFor
) -> None:
    finance = client_for(FINANCE)
    for event in ("begin-closing", "close", "reopen"):
        moved = await finance.post(
            "/ledger/periods/202301/events", json={"event": event, "reason": "year end"}
        )
        assert moved.status_code == 200, moved.text
    again = await finance.post("/ledger/periods/202301/events", json={"event": "reopen"})
    assert again.json()["code"] == "state.transition-not-allowed"
    assert (await finance.post("/ledger/periods/202313/events", json={"event": "close"})).status_code == 422
