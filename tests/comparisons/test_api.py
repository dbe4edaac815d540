"""Yearly reports: income equal to the ledger after refunds, what follows from it, and what is late."""

import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from datamarket.catalogue.ceilings import queries as ceilings
from datamarket.catalogue.ceilings.rules import CeilingToBeReset
from datamarket.catalogue.listings.ceilings import check_ceilings
from datamarket.comparisons import actions
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen, parse_yuan
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.prices.terms import IncomeItemKind
from tests.conftest import ClientFor
from tests.world import catalogue, prices, trading, zones
from tests.world.people import AUDITOR
from tests.world.prices import LATER
from tests.world.trading import LEDGER_ID
from tests.world.zones import OperatedZone

BEFORE = datetime(2023, 11, 3, tzinfo=UTC)


async def zone_of(database: Database) -> OperatedZone:
    async with database.transaction() as session:
        return await zones.open_zone(session)


async def credited(database: Database, operated: OperatedZone) -> int:
    """What stands on the operator's account."""
    account = AccountKey(LEDGER_ID, operated.operator.id, AccountKind.OPERATOR_INCOME).id
    async with database.connection() as connection:
        found = await connection.fetchval(
            "SELECT credit_fen - debit_fen FROM ledger_balance WHERE ledger_id = $1 AND account_id = $2",
            LEDGER_ID,
            account,
        )
    return int(found or 0)


async def permitted(
    database: Database, operated: OperatedZone, amount_fen: int, year: int, now: Any = None
) -> Any:
    async with database.transaction() as session:
        tax = prices.figure(IncomeItemKind.TAX, amount_fen)
        return await prices.approved(session, operated, tax, year=year, now=now)


async def test_the_report_of_a_year_is_the_ledger_to_the_fen_after_refunds(
    database: Database, client_for: ClientFor
) -> None:
    operated = await zone_of(database)
    deals = [await trading.active_contract(database, operated=operated) for _ in range(2)]
    sold = [await trading.trade(database, deal, 7, at=BEFORE) for deal in deals]
    await trading.refund(database, deals[0], sold[0].id, Fen(1_234), at=BEFORE)
    income_fen = await credited(database, operated)
    await trading.trade(database, deals[1], 5)  # of another year
    assert 0 < income_fen < await credited(database, operated)
    income = await permitted(database, operated, income_fen - 100, 2023)
    operator = client_for(operated.account)
    made = await operator.post("/prices/reports", json={"income_id": str(income.id)})
    report = made.json()
    assert (made.status_code, report["actual_fen"]) == (201, income_fen)
    assert (report["excess_fen"], report["due_on"]) == (100, "2024-03-31")
    assert sum(one["income_fen"] for one in report["products"]) == income_fen
    assert [one["product_id"] for one in report["products"]] == [
        str(deal.contract.product_id) for deal in deals[::-1]
    ]
    path = f"/prices/reports/2023/{income.id}"
    assert (await client_for(AUDITOR).get(path)).json() == report
    book = await operator.get(path, params={"format": "xlsx"})
    sheets = openpyxl.load_workbook(io.BytesIO(book.content))
    yuan = [str(row[2]) for row in sheets.worksheets[1].iter_rows(min_row=3, values_only=True)]
    assert [parse_yuan(one) for one in yuan] == [one["income_fen"] for one in report["products"]]
    page = (await operator.get("/prices/reports/2023")).json()
    assert [(one["income_id"], one["outcome"]) for one in page["items"]] == [
        (str(income.id), report["outcome"])
    ]


async def test_what_is_not_approved_or_over_or_yours_is_not_reported(
    database: Database, client_for: ClientFor
) -> None:
    operated = await zone_of(database)
    running = await permitted(database, operated, 100, 2024)
    over = await permitted(database, operated, 100, 2023)
    operator, stranger = client_for(operated.account), client_for((await zone_of(database)).account)
    missing = await operator.get(f"/prices/reports/2023/{over.id}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
    for code, client, income in (
        ("income.year-not-over", operator, running),
        ("not-found", stranger, over),
        ("auth.not-permitted", client_for(AUDITOR), over),
    ):
        refused = await client.post("/prices/reports", json={"income_id": str(income.id)})
        assert (code, refused.json()["code"]) == (code, code)
    asked = {"income_id": str(over.id)}
    codes = [(await operator.post("/prices/reports", json=asked)).json().get("code") for _ in range(2)]
    assert codes == [None, "income.not-approved"]


async def test_far_off_ceilings_are_to_be_reset_and_the_excess_is_deducted_later(database: Database) -> None:
    operated = await zone_of(database)
    deal = await trading.active_contract(database, operated=operated)
    income = await permitted(database, operated, 1_000_000, 2024)
    product_id = deal.contract.product_id
    async with database.transaction() as session:
        ceiling = await prices.ceiling(session, income.id, product_id, 3_000)
    await trading.trade(database, deal, 100_000)
    actual = await credited(database, operated)
    async with database.transaction() as session:
        report = await actions.report_year(
            session, operated.account, income.id, ledger_id=LEDGER_ID, now=LATER
        )
    assert (report.outcome, report.excess_fen) == ("reset", actual - 1_000_000)
    async with database.transaction() as session:
        flagged = await ceilings.get_ceiling(session, ceiling.id)
        assert flagged.state == "to_be_reset"
        on = LATER.date()
        await check_ceilings(session, product_id, catalogue.PER_CALL, on, on_public_data=True)
        with pytest.raises(CeilingToBeReset) as refusal:
            await check_ceilings(
                session, product_id, catalogue.PER_CALL, on, on_public_data=True, publishing=True
            )
        assert refusal.value.facts == {"ceiling_id": ceiling.id}
    following = await permitted(database, operated, actual, 2025, LATER)
    assert following.amount_fen == actual - report.excess_fen
    assert following.steps[-1]["source"] == f"2024 {income.id}"
    assert following.steps[-1]["amount_fen"] == -report.excess_fen
    async with database.transaction() as session:
        new = await prices.ceiling(session, following.id, product_id, 3_000, valid_from=on, now=LATER)
        await check_ceilings(
            session, product_id, catalogue.PER_CALL, on, on_public_data=True, publishing=True
        )
    third = await permitted(database, operated, 7, 2026, LATER)
    assert (new.state, third.amount_fen, third.steps[-1]["kind"]) == ("set", 7, "taxes")


async def test_a_report_that_is_late_is_told_once(database: Database) -> None:
    operated = await zone_of(database)
    income = await permitted(database, operated, 100, 2024)
    last_day, late = (datetime(2025, 3, 31, 15, 59, tzinfo=UTC), datetime(2025, 3, 31, 16, tzinfo=UTC))
    for now in (last_day, late, late):
        await actions.tell_late(database, LEDGER_ID, now)
    async with database.connection() as connection:
        told = await connection.fetch(
            "SELECT at, facts FROM audit_event WHERE subject_id = $1 AND action = 'prices.report-late'",
            income.id,
        )
        row = await connection.fetchrow("SELECT late_at FROM permitted_income WHERE id = $1", income.id)
    assert (len(told), row and row["late_at"]) == (1, late)
