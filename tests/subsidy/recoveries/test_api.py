"""Recovery over HTTP: from the drift of a paid award to the last fen, by two hands, in instalments or set off."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from datamarket.auth.terms import Actor
from datamarket.commands.main import app as commands
from datamarket.foundation.db import Database
from datamarket.foundation.documents.dated import DatedValue
from datamarket.foundation.settings import Settings
from datamarket.foundation.spreadsheets.cells import amount
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.server.app import create_app
from datamarket.subsidy.recoveries import fines
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.studies.dossier_sheets import lines_now, summary_of
from datamarket.subsidy.studies.drift import filed_of
from tests.subsidy.conftest import Market
from tests.world import notices
from tests.world import subsidy as world
from tests.world.books import assert_books_hold, balance_of
from tests.world.participants import acting_for, suspend
from tests.world.people import AUDITOR, unique
from tests.world.recoveries import AWARD, LATER, PaidYear, paid_year
from tests.world.trading import LEDGER_ID

IN_JULY = datetime(2025, 7, 1, 2, 0, tzinfo=UTC)
NEXT_MARCH = datetime(2025, 3, 3, 4, 0, tzinfo=UTC)
NEXT_YEAR = datetime(2026, 1, 19, 2, 0, tzinfo=UTC)
PUBLIC_OVER = datetime(2026, 1, 27, 2, 0, tzinfo=UTC)
TWO = [{"due_on": "2025-03-31", "amount_fen": 30_000}, {"due_on": "2025-06-30", "amount_fen": 20_000}]


class Desk:
    """A paid award, its officers and the enterprise, over HTTP."""

    def __init__(self, market: Market, year: PaidYear) -> None:
        self.market, self.year = market, year
        self.proposer, self.decider, self.payer = year.officers.calculator, year.decider, year.officers.payer
        self.mine = acting_for(year.seller)

    async def post(self, who: Actor, path: str, **body: Any) -> httpx.Response:
        return await self.market.client(who).post(f"/subsidy/{path}", json=body)

    async def proposed(self, cause: str = "refund", **more: Any) -> httpx.Response:
        body = {"line_id": str(self.year.line), "cause": cause, "reason": "核查属实", "article": "方案解释"}
        return await self.post(self.proposer, "recoveries", **body | more)

    async def decided(self, path: str, **more: Any) -> httpx.Response:
        return await self.post(self.decider, f"{path}/events", event="decide", reason="事实清楚", **more)

    async def received(self, path: str, amount_fen: int, reference: str = "") -> httpx.Response:
        told = {"amount_fen": amount_fen, "reference": reference or unique("advice")}
        return await self.post(self.payer, f"{path}/receipts", **told)

    async def line(self, line: object = None) -> dict[str, Any]:
        path = f"/subsidy/lines/{line or self.year.line}/explanation"
        told: dict[str, Any] = await self.market.get(path, self.mine)
        return told

    async def inbox(self, who: Actor) -> list[tuple[str, str | None]]:
        found = await self.market.get("/inbox", who, limit=100)
        ours = {"recovery_to_decide", "instalment_to_pay", "instalment_overdue", "award_to_set_off"}
        return [(one["kind"], one["until"]) for one in found["items"] if one["kind"] in ours]

    async def standing(self) -> dict[str, int]:
        """Each account of the subsidy, debit positive."""
        of = {
            AccountKind.SUBSIDY_PAYABLE: self.year.seller.id,
            AccountKind.SUBSIDY_RECEIVABLE: self.year.seller.id,
        }
        kinds = (*of, AccountKind.SUBSIDY_EXPENSE, AccountKind.SUBSIDY_FINE, AccountKind.SUBSIDY_INTEREST)
        return {
            kind.removeprefix("subsidy_"): await balance_of(
                self.year.database, AccountKey(LEDGER_ID, of.get(kind), kind)
            )
            for kind in kinds
        }


@pytest_asyncio.fixture
async def desk(fresh_database: Database, settings: Settings) -> AsyncIterator[Desk]:
    year = await paid_year(fresh_database)
    market: Market
    app = create_app(settings, fresh_database, read_clock=lambda: market.now)
    market = Market(app, fresh_database, [year.seller], [year.agreement], now=LATER)
    yield Desk(market, year)
    for client in market.clients:
        await client.aclose()
    await assert_books_hold(fresh_database.url)


def refused(answer: httpx.Response, status: int, code: str, *said: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert all(word in answer.json()["detail"] for word in said), answer.text


@pytest.mark.edge(60, part="a partial recovery")
async def test_an_award_comes_back_in_two_instalments_after_a_refund(desk: Desk) -> None:
    grounds = f"/subsidy/runs/{desk.year.run.id}/recovery-grounds"
    assert await desk.market.get(grounds) == {"grounds": []}
    await desk.year.refunded(5_000_000)
    [ground] = (await desk.market.get(grounds))["grounds"]
    assert (ground["cause"], ground["paid_fen"], ground["today_fen"], ground["amount_fen"]) == (
        "refund",
        AWARD,
        150_000,
        50_000,
    )
    made = (await desk.proposed()).json()
    path = f"recoveries/{made['id']}"
    assert (made["amount_fen"], made["state"], made["next"]) == (50_000, "proposed", "authority")
    assert await desk.inbox(desk.decider) == [("recovery_to_decide", None)]
    assert (await desk.market.client(desk.mine).get(f"/subsidy/{path}")).status_code == 404
    decided = (await desk.decided(path, instalments=TWO)).json()
    assert (decided["state"], decided["open_fen"], (await desk.line())["line"]["recovery"]) == (
        "decided",
        50_000,
        "recovering",
    )
    assert await desk.standing() == {
        "payable": 0,
        "receivable": 50_000,
        "expense": AWARD - 50_000,
        "fine": 0,
        "interest": 0,
    }
    assert [until for _, until in await desk.inbox(desk.mine)] == [
        "2025-03-31T16:00:00Z",
        "2025-06-30T16:00:00Z",
    ]
    assert (await desk.received(path, 10_000)).status_code == 201
    desk.market.now = IN_JULY
    assert [kind for kind, _ in await desk.inbox(desk.payer)] == ["instalment_overdue"] * 2
    first = await desk.market.get(f"/subsidy/{path}", desk.mine)
    assert [(one["left_fen"], one["overdue"]) for one in first["instalments"]] == [
        (20_000, True),
        (20_000, True),
    ]
    assert (await desk.received(path, 40_000)).status_code == 201
    assert (await desk.market.get(f"/subsidy/{path}", desk.mine))["state"] == "recovered"


async def test_what_came_back_whole_leaves_no_account_open_and_is_said_where_the_award_is(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.year.refunded(5_000_000)
    path = f"recoveries/{(await desk.proposed()).json()['id']}"
    await desk.decided(path, instalments=TWO)
    for part in TWO:
        assert (await desk.received(path, int(str(part["amount_fen"])))).status_code == 201
    standing = await desk.standing()
    assert (standing["receivable"], standing["payable"], standing["expense"]) == (0, 0, 150_000)
    told = await desk.line()
    assert (told["line"]["recovery"], told["zh"][-7:]) == ("recovered", "该奖补已追回。")
    [award] = (await desk.market.get("/subsidy/awards", None, year=world.YEAR))["items"]
    assert award["recovery"] == "recovered"
    letter = await desk.market.client(desk.mine).get(f"/subsidy/{path}/letter")
    assert "人民币500.00元（大写：伍佰元整）" in letter.text
    assert "第 2 期</td><td>2025年6月30日" in letter.text
    monkeypatch.setenv("DATABASE_URL", desk.year.database.url)
    words = ["subsidy", "letter", path.removeprefix("recoveries/"), "--out", str(tmp_path / "letter.html")]
    typed = await asyncio.to_thread(CliRunner().invoke, commands, words)
    assert typed.exit_code == 0, typed.output
    assert (tmp_path / "letter.html").read_text(encoding="utf-8") == letter.text
    async with desk.year.database.transaction() as session:
        view = await run_queries.get_run(session, desk.year.run.id)
        filed = await filed_of(session, view)
    assert [one["status"] for one in lines_now(filed) if one["amount_fen"]] == ["paid"]
    assert dict(summary_of(filed))["已追回（元） recovered (yuan)"] == amount(50_000)
    await notices.seal(desk.year.database, tmp_path)
    told_of = [event.type for event in (await notices.feed(desk.year.database, desk.mine)).events]
    assert [kind[15:] for kind in told_of if kind.endswith("-recovery")] == [
        "decide-recovery",
        "receive-recovery",
        "receive-recovery",
    ]
    [moved] = (await desk.market.get("/subsidy/recoveries", desk.mine, state="recovered"))["items"]
    assert moved["received_fen"] == 50_000
    assert (await desk.market.get(f"/subsidy/runs/{desk.year.run.id}/recovery-grounds")) == {"grounds": []}


@pytest.mark.edge(60, part="above what was paid")
async def test_what_is_refused_of_a_recovery_is_named_and_changes_nothing(desk: Desk) -> None:
    refused(await desk.proposed(), 409, "subsidy.recovery-groundless", "refunds after the cut-off")
    refused(await desk.proposed("fraud", amount_fen=AWARD + 1), 409, "subsidy.recovery-exceeds", "2000.00")
    await desk.year.refunded(5_000_000)
    path = f"recoveries/{(await desk.proposed()).json()['id']}"
    refused(await desk.proposed(), 409, "subsidy.recovery-open")
    own = await desk.post(desk.proposer, f"{path}/events", event="decide", reason="同意", instalments=TWO)
    refused(own, 409, "subsidy.recovery-same-hand")
    refused(await desk.decided(path, instalments=TWO[:1]), 422, "subsidy.instalments-unequal", "500.00")
    turned = [TWO[1] | {"amount_fen": 30_000}, TWO[0] | {"amount_fen": 20_000}]
    refused(await desk.decided(path, instalments=turned), 422, "subsidy.instalments-untimely", "Instalment 2")
    refused(await desk.decided(path, instalments=TWO, fine="20%"), 409, "subsidy.fine-unfounded")
    undecided = await desk.market.client(AUDITOR).get(f"/subsidy/{path}/letter")
    refused(undecided, 409, "subsidy.recovery-undecided")
    assert (await desk.decided(path, instalments=TWO)).status_code == 200
    refused(await desk.received(path, 50_001), 409, "subsidy.receipt-exceeds", "500.00")
    whole = await desk.proposed("fraud", amount_fen=AWARD)
    refused(whole, 409, "subsidy.recovery-exceeds", "1500.00")
    assert (await desk.received(path, 1, "advice 20250207-0001")).status_code == 201
    refused(await desk.received(path, 1, "advice 20250207-0001"), 409, "ledger.already-posted")
    assert (await desk.standing())["receivable"] == 49_999


async def test_a_decision_is_cancelled_with_a_reason_until_something_came_in(desk: Desk) -> None:
    paths = []
    for _ in range(2):
        path = f"recoveries/{(await desk.proposed('fraud', amount_fen=50_000)).json()['id']}"
        assert (
            await desk.decided(path, fine="10%", instalments=[TWO[0], TWO[1] | {"amount_fen": 25_000}])
        ).json()["open_fen"] == 55_000
        paths.append(path)
        if len(paths) == 1:
            missing = await desk.post(desk.decider, f"{path}/events", event="cancel")
            refused(missing, 422, "recovery.reason-missing")
            gone = await desk.post(desk.decider, f"{path}/events", event="cancel", reason="事实有误")
            assert (gone.json()["state"], gone.json()["open_fen"]) == ("cancelled", 0)
            assert set((await desk.standing()).values()) == {0, AWARD}
    assert (await desk.received(paths[1], 1)).status_code == 201
    late = await desk.post(desk.decider, f"{paths[1]}/events", event="cancel", reason="事实有误")
    refused(late, 409, "state.transition-not-allowed")
    allowed = await desk.market.get(f"/subsidy/{paths[1]}/allowed-events", desk.decider)
    assert allowed == {"state": "recovering", "events": []}
    assert (await desk.line())["line"]["recovery"] == "recovering"


@pytest.mark.parametrize("later_sales", [30_000_000, 3_000_000])
async def test_fraud_is_fined_and_set_off_against_the_next_award(desk: Desk, later_sales: int) -> None:
    path = f"recoveries/{(await desk.proposed('fraud', amount_fen=AWARD)).json()['id']}"
    outside = await desk.decided(path, fine="50.1%", instalments=TWO)
    refused(outside, 422, "subsidy.fine-outside-range", "10%", "50%", "第十四条")
    plan = [{"due_on": "2025-06-30", "amount_fen": AWARD + 50_000}]
    assert (await desk.decided(path, fine="25%", instalments=plan)).json()["fine_fen"] == 50_000
    await world.sells(desk.year.on, desk.year.seller, later_sales, at=NEXT_MARCH)
    database, officers = desk.year.database, desk.year.officers
    run = await world.opened_run(database, officers, year=2025, now=NEXT_YEAR)
    listed = (RunEvent.SNAPSHOT, RunEvent.CALCULATE, RunEvent.SUBMIT, RunEvent.PUBLICISE)
    await world.moved(database, officers, run, *listed, now=NEXT_YEAR)
    await world.moved(database, officers, run, RunEvent.APPROVE, RunEvent.POST, now=PUBLIC_OVER)
    desk.market.now = PUBLIC_OVER
    matters = [kind for kind, _ in await desk.inbox(desk.payer)]
    assert matters == ["instalment_overdue", "award_to_set_off"]
    [line] = (await desk.market.get(f"/subsidy/runs/{run.id}/lines", status="payable"))["items"]
    award = later_sales // 100
    used = min(award, AWARD + 50_000)
    done = await desk.post(desk.payer, "set-offs", line_id=line["id"])
    assert (done.status_code, done.json()["amount_fen"]) == (201, used), done.text
    refused(await desk.post(desk.payer, "set-offs", line_id=line["id"]), 409, "subsidy.nothing-to-set-off")
    await world.moved(database, officers, run, RunEvent.PAY, RunEvent.CLOSE, now=PUBLIC_OVER)
    assert await desk.standing() == {
        "payable": 0,
        "receivable": AWARD + 50_000 - used,
        "expense": award,
        "fine": -50_000 if used < AWARD + 50_000 else 0,
        "interest": 0,
    }
    assert f"其中 {used // 100:,}.00 元抵扣应追回款。" in (await desk.line(line["id"]))["zh"]


async def test_later_standing_is_no_ground_and_what_was_not_paid_is_not_recovered(desk: Desk) -> None:
    async with desk.year.database.transaction() as session:
        await suspend(session, desk.year.seller.id)
    desk.market.now = IN_JULY
    assert await desk.market.get(f"/subsidy/runs/{desk.year.run.id}/recovery-grounds") == {"grounds": []}
    found = (await desk.market.get(f"/subsidy/runs/{desk.year.run.id}/lines", limit=100))["items"]
    unpaid = next(line["id"] for line in found if line["id"] != str(desk.year.line))
    refused(await desk.proposed("fraud", line_id=unpaid), 409, "subsidy.recovery-not-paid")


async def test_interest_for_delay_is_owed_on_top_of_the_plan_and_is_income_of_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = (DatedValue(date(2005, 2, 1), None, Fraction(1, 10_000), "of a test"),)
    stated = {**fines.stated_fines(), "interest_per_day": daily}
    monkeypatch.setattr(fines, "stated_fines", lambda: stated)
    path = f"recoveries/{(await desk.proposed('fraud', amount_fen=50_000)).json()['id']}"
    assert (await desk.decided(path, instalments=TWO)).status_code == 200
    desk.market.now = IN_JULY
    owed = await desk.market.get(f"/subsidy/{path}", desk.mine)
    interest = 30_000 * 92 // 10_000 + 20_000 * 1 // 10_000
    assert (owed["open_fen"], owed["interest_fen"]) == (50_000 + interest, 0)
    assert (await desk.received(path, 50_000)).status_code == 201
    left = await desk.market.get(f"/subsidy/{path}", desk.mine)
    assert (left["state"], left["open_fen"], left["interest_fen"]) == ("recovering", interest, interest)
    assert (await desk.received(path, interest)).status_code == 201
    standing = await desk.standing()
    assert (standing["receivable"], standing["interest"]) == (0, 0)
    batches = desk.market.client(desk.payer)
    paid_on = (await batches.post("/payouts/batches", json={"kinds": ["treasury"]})).json()
    assert (paid_on["payouts"], paid_on["total_fen"]) == (1, interest), "to the treasury, by the next batch"
