"""Reports over HTTP and by the command, in their three forms."""

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from datamarket.commands.main import app
from datamarket.foundation.db import Database
from tests.ledger.conftest import Desk
from tests.world import trading
from tests.world.people import AUDITOR


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
    deal: trading.Agreement, fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database.url)

    def report(*options: str) -> Result:
        return CliRunner().invoke(app, ["report", *options])

    figures = json.loads(report("2024", "--json").stdout)
    assert figures["sections"][0]["total"]["debit_fen"] == 26 * 3_000 + trading.PLENTY
    table, book = tmp_path / "report.csv", tmp_path / "report.xlsx"
    assert report("202405", "--csv", str(table), "--xlsx", str(book)).exit_code == 0
    assert load_workbook(book).sheetnames == ["报表 report", "月份 months"]
    assert "暂列" in table.read_text(encoding="utf-8")
    assert "试算平衡" in report("202405").stdout
    wrong = report("2024-05")
    assert (wrong.exit_code, "ledger.period-unknown" in wrong.stderr) == (2, True)
