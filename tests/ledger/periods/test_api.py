"""Months over HTTP: closed in order, reopened as a further revision; statements and reports that agree with them."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from openpyxl import load_workbook

from datamarket.auth.terms import Actor
from datamarket.foundation.db import APP_ROLE, Database
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.ledger.periods.rules import PeriodMoveRefused, PeriodOutOfOrder
from datamarket.ledger.periods.terms import PeriodEvent
from datamarket.ledger.rules import PeriodClosed
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.migrations import apply
from datamarket.server.app import create_app
from datamarket.server.checks import check_books
from datamarket.slices import constraint_errors
from tests.conftest import client_of
from tests.world import periods, trading
from tests.world.books import assert_books_hold
from tests.world.people import AUDITOR, FINANCE, NOON, moment
from tests.world.periods import noon_of

LEDGER = trading.LEDGER_ID
FIRST_RELEASE = Path(__file__).parents[2] / "migrations" / "first_release.sql"
MARCH, APRIL, MAY = date(2024, 3, 11), date(2024, 4, 30), date(2024, 5, 2)


class Desk:
    """The finance department at its desk, and others."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.clients: list[httpx.AsyncClient] = []
        self.finance = self.client(FINANCE)

    def client(self, by: Actor) -> httpx.AsyncClient:
        self.clients.append(client_of(self.app, by, NOON))
        return self.clients[-1]

    async def move(self, period: int, event: str, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        return await self.finance.post(
            f"/ledger/periods/{period}/events", json={"event": event} | more, headers=headers
        )

    async def moved(self, period: int, *events: str, **more: Any) -> dict[str, Any]:
        for event in events:
            answer = await self.move(period, event, **more)
            assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refused(self, period: int, event: str, **more: Any) -> str:
        answer = await self.move(period, event, **more)
        assert answer.status_code in {409, 412, 422}, answer.text
        code: str = answer.json()["code"]
        return code


@pytest_asyncio.fixture
async def desk(fresh_database: Database, settings: Settings) -> AsyncIterator[Desk]:
    made = Desk(create_app(settings, fresh_database, read_clock=lambda: NOON))
    yield made
    for client in made.clients:
        await client.aclose()
    await assert_books_hold(fresh_database.url)


@pytest_asyncio.fixture
async def deal(fresh_database: Database) -> trading.Agreement:
    """Trades of March, April and May 2024, one of them of a zone's data refunded in part."""
    made = await trading.active_contract(fresh_database, of_zone=True)
    for day, quantity in ((MARCH, 3), (APRIL, 5), (MAY, 7), (MAY, 11)):
        await trading.trade(fresh_database, made, quantity, at=noon_of(day))
    return made


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


async def test_a_statement_leads_from_the_opening_to_the_closing_balance_page_by_page(
    desk: Desk, deal: trading.Agreement
) -> None:
    await desk.moved(202403, "begin-closing", "close")
    buyer = desk.client(deal.buyer_account)
    funds = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"][0]
    path, spring = f"/ledger/accounts/{funds['id']}/statement", {"from": "2024-04-01", "to": "2024-06-30"}
    pages: list[dict[str, Any]] = []
    after = None
    while not pages or after:
        query = spring | {"limit": 2} | ({"after": after} if after else {})
        pages.append((await buyer.get(path, params=query)).json())
        after = pages[-1]["next"]
    assert [len(page["items"]) for page in pages] == [2, 2]
    balance = pages[0]["opening_fen"]
    assert balance == -3 * 3_000
    for page in pages:
        assert page["brought_forward_fen"] == balance
        for line in page["items"]:
            balance -= line["amount_fen"]
            assert line["balance_fen"] == balance
    assert balance == pages[-1]["closing_fen"] == funds["balance_fen"]
    file = await buyer.get(path, params=spring | {"format": "csv"})
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert (len(rows), rows[1][-1]) == (1 + 1 + 4 + 1, "-90.00")
    assert rows[-1][-1] == f"{balance // 100}.{balance % 100:02d}"
    other = desk.client(deal.provider_account)
    assert (await other.get(path)).status_code == 404
    wrong = await buyer.get(path, params={"from": "2024-06-02", "to": "2024-06-01"})
    assert wrong.json()["code"] == "ledger.statement-range-invalid"
    assert (await buyer.get(path, params={"after": "WzEsMl0"})).json()["code"] == "page.cursor-invalid"


async def test_a_report_says_the_same_in_three_forms_and_whether_it_is_final(
    desk: Desk, deal: trading.Agreement
) -> None:
    await desk.moved(202403, "begin-closing", "close")
    await desk.moved(202404, "begin-closing", "close")
    final = (await desk.finance.get("/ledger/reports/month/202404")).json()
    assert (final["provisional"], final["status_en"]) == (False, "closed")
    tables = {section["code"]: section for section in final["sections"]}
    total = tables["trial_balance"]["total"]
    for stage in ("opening_", "", "closing_"):
        assert total[f"{stage}debit_fen"] == total[f"{stage}credit_fen"]
    assert total["debit_fen"] == 5 * 3_000
    income = {line["code"]: line["credit_fen"] for line in tables["income"]["lines"]}
    taxes = {line["code"]: line["credit_fen"] for line in tables["taxes_and_fees"]["lines"]}
    assert sum(income.values()) + sum(taxes.values()) == 5 * 3_000
    assert set(income) == {"treasury", "institution", "enterprise"}
    year = (await desk.finance.get("/ledger/reports/year/2024")).json()
    assert (year["provisional"], len(year["months"])) == (True, 12)
    assert year["sections"][0]["total"]["debit_fen"] == 26 * 3_000 + trading.PLENTY

    file = await desk.finance.get("/ledger/reports/month/202405", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert {row["状态 status"] for row in rows} == {"未关账（暂列） provisional"}
    assert rows[0]["本期借方（元） debit (yuan)"].count(".") == 1
    book = await desk.finance.get("/ledger/reports/month/202405", params={"format": "xlsx"})
    sheet = load_workbook(io.BytesIO(book.content))["报表 report"]
    assert sheet.max_row == len(rows) + 2
    assert (await desk.client(deal.buyer_account).get("/ledger/reports/year/2024")).json()["code"] == (
        "ledger.overseers-only"
    )
    assert (await desk.client(AUDITOR).get("/ledger/reports/month/202413")).status_code == 422


def test_the_command_writes_a_report(
    deal: trading.Agreement, fresh_database: Database, tmp_path: Path
) -> None:
    def report(*options: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "datamarket", "report", *options],
            env=os.environ | {"DATABASE_URL": fresh_database.url},
            capture_output=True,
            check=False,
            timeout=60,
        )

    figures = json.loads(report("2024", "--json").stdout)
    assert figures["sections"][0]["total"]["debit_fen"] == 26 * 3_000 + trading.PLENTY
    table, book = tmp_path / "report.csv", tmp_path / "report.xlsx"
    assert report("202405", "--csv", str(table), "--xlsx", str(book)).returncode == 0
    assert load_workbook(book).sheetnames == ["报表 report", "月份 months"]
    assert "暂列" in table.read_text(encoding="utf-8")
    assert "试算平衡" in report("202405").stdout.decode()
    wrong = report("2024-05")
    assert (wrong.returncode, "ledger.period-unknown" in wrong.stderr.decode()) == (2, True)


TAMPERINGS = {
    "UPDATE ledger_day SET debit_fen = debit_fen + 1 WHERE day = '2024-03-11'": {"I3b"},
    "DELETE FROM ledger_day WHERE day = '2024-03-11'": {"I3b"},
    "UPDATE ledger_period_balance SET debit_fen = debit_fen + 1, closing_debit_fen = closing_debit_fen + 1": {
        "I10"
    },
    "UPDATE ledger_period_balance SET opening_debit_fen = opening_debit_fen + 1, debit_fen = debit_fen - 1": {
        "I10"
    },
    "DELETE FROM ledger_period_balance WHERE period = 202403": {"I10"},
    "UPDATE ledger_period SET closing_root = '\\x00' WHERE id = 202402": {"I10"},
    "UPDATE ledger_period SET state = 'open', closed_at = NULL, closing_root = NULL WHERE id = 202403": {
        "I10"
    },
    "UPDATE ledger_entry SET recorded_at = '2030-01-01' WHERE period = 202403": {"I5", "I10"},
    "UPDATE ledger_entry SET period = 202403 WHERE period = 202405": {"I1", "I5"},
}


@pytest.mark.parametrize("statement", TAMPERINGS)
async def test_a_superusers_tampering_with_closed_months_shows(
    fresh_database: Database, deal: trading.Agreement, statement: str
) -> None:
    await periods.close(fresh_database, LEDGER, 202403)
    await periods.close(fresh_database, LEDGER, 202404)
    await assert_books_hold(fresh_database.url)
    connection = await asyncpg.connect(fresh_database.url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(statement)
    await connection.close()
    findings = await check_books(fresh_database.url, LEDGER)
    assert {finding.check.id for finding in findings if not finding.holds} >= TAMPERINGS[statement]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_period_balance SELECT * FROM ledger_period_balance",
        "UPDATE ledger_period SET state = 'open'",
        "DELETE FROM ledger_period",
        "DELETE FROM ledger_day",
        "SELECT ledger_take_closing(1, 202403, now())",
        "SELECT ledger_close_through(1, 202403, now())",
    ],
)
async def test_the_application_closes_months_in_no_other_way(superuser: Any, statement: str) -> None:
    await superuser.execute(f"SET ROLE {APP_ROLE}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(statement)


async def test_partitions_of_the_years_ahead_are_made_once_and_guarded(fresh_database: Database) -> None:
    await asyncio.gather(*(apply.migrate(fresh_database.url) for _ in range(2)))
    connection = await asyncpg.connect(fresh_database.url)
    for _ in range(2):
        await connection.execute("SELECT ledger_make_partitions(2038, 2042)")
    guards = "SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::text::regclass"
    for table in ("ledger_entry", "ledger_leg"):
        assert await connection.fetchval(guards, f"{table}_p2042") == await connection.fetchval(
            guards, f"{table}_p2024"
        )
        assert not await connection.fetchval(
            "SELECT has_table_privilege($1, $2, 'INSERT')", APP_ROLE, f"{table}_p2042"
        )
    this_year = await connection.fetchval("SELECT extract(year FROM now())::integer")
    assert await connection.fetchval("SELECT to_regclass($1)", f"ledger_leg_p{this_year + 5}")
    await connection.close()


async def test_months_closed_before_balances_were_kept_get_them_when_migrated(server_url: str) -> None:
    name = f"datamarket_old_{new_id(moment()).hex[-8:]}"
    url = await apply.create_database(server_url, name)
    released = await asyncpg.connect(url)
    await released.execute(FIRST_RELEASE.read_text(encoding="utf-8"))
    await released.close()
    database = await Database(url, 2).open()
    bank = AccountKey(LEDGER, None, AccountKind.BANK)
    vat = AccountKey(LEDGER, None, AccountKind.VAT_PAYABLE)
    for month in (2, 3, 5):
        await periods.post(database, bank, vat, 100 * month, effective=date(2024, month, 10))
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO ledger_period VALUES ($1, 202403, 'closed', 1), ($1, 209912, 'closed', 1)", LEDGER
        )
    await database.close()
    await apply.migrate(url)
    await assert_books_hold(url)
    migrated = await asyncpg.connect(url)
    rows = await migrated.fetch("SELECT id, state, revision FROM ledger_period WHERE id > 202401 ORDER BY id")
    assert [tuple(row) for row in rows] == [(202402, "closed", 1), (202403, "closed", 1), (209912, "open", 0)]
    closing = "SELECT debit_fen FROM ledger_balance_at($1, $2, $3)"
    assert await migrated.fetchval(closing, LEDGER, bank.id, date(2024, 4, 1)) == 500
    await migrated.close()
    await apply.drop_database(server_url, name)
