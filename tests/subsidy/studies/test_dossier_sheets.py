"""A run's dossier as a workbook: what was decided, on what, by whom and when, as it stands now, and fit to print."""

import asyncio
import io
from datetime import timedelta
from fractions import Fraction

import asyncpg
import openpyxl
import pytest_asyncio
from openpyxl import Workbook

from datamarket.auth.tables import Account
from datamarket.evidence.actions import record
from datamarket.foundation.db import Database
from datamarket.payouts.bank.simulated import BankRules
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.studies.dossier_sheets import sheets_of
from datamarket.subsidy.studies.drift import filed_of
from tests.subsidy.conftest import Market
from tests.world import subsidy as world
from tests.world.payouts import REASONS
from tests.world.people import ADMIN, AUDITOR, enrol
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR

SHEETS = [
    "汇总 summary",
    "明细 lines",
    "步骤 steps",
    "参数 parameters",
    "解释 interpretations",
    "快照 snapshot",
    "异常 exceptions",
    "线索 flags",
    "异议 objections",
    "支付 payments",
]
PAID = AFTER_YEAR + timedelta(days=30)


@pytest_asyncio.fixture
async def run(market: Market) -> str:
    """One that is paid, the first seller only the second time; its calculator with an account that has a name."""
    await enrol(market.database, market.officers.calculator)
    owner = await asyncpg.connect(market.database.url)
    named = "UPDATE account SET username = 'wang-calculates' WHERE id = $1"
    await owner.execute(named, market.officers.calculator.account_id)
    await owner.close()
    async with market.database.transaction() as session:
        account = await session.get_one(Account, market.officers.calculator.account_id)
        await record(session, ADMIN, "accounts.open", ("account", account.id), account, now=AFTER_YEAR)
    found = await world.publicised(market.database, market.officers)
    refusing = BankRules(Fraction(0), 0, 0, REASONS, {market.sellers[0].uscc: "AC04"})
    steps = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)
    await world.moved(market.database, market.officers, found, *steps, now=PAID, bank=refusing)
    await world.moved(market.database, market.officers, found, RunEvent.PAY, now=PAID)
    return str(found.id)


async def book_of(market: Market, run: str) -> Workbook:
    answer = await market.client(AUDITOR).get(f"/subsidy/runs/{run}/export.xlsx")
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def texts(book: Workbook, sheet: str) -> list[tuple[object, ...]]:
    return list(book[sheet].iter_rows(values_only=True))


async def test_the_dossier_says_who_decided_what_on_what_and_when(market: Market, run: str) -> None:
    book = await book_of(market, run)
    assert book.sheetnames == SHEETS
    view = await market.get(f"/subsidy/runs/{run}")
    summary = {row[0]: row[1] for row in texts(book, "汇总 summary")}
    assert summary["方案名称 title"] == "数据要素市场发展财政支持政策 · Data-element market support policy"
    assert (summary["状态 state"], summary["方案版本 scheme version"]) == ("已支付 · paid", 1)
    assert summary["方案哈希 scheme sha256"] == view["scheme_sha256"]
    assert str(summary["账簿截止时间（北京） cut-off (Beijing)"]).startswith(f"{AFTER_YEAR:%Y-%m-}")
    events = [
        row[:3]
        for row in texts(book, "汇总 summary")
        if str(row[0]).startswith(("计算 calculate", "支付 pay"))
    ]
    names = {row[1] for row in events}
    assert len(events) == 3
    assert names == {"wang-calculates（合规审查）", str(market.officers.payer.account_id)}


async def test_a_line_stands_as_it_is_now_under_the_title_of_its_clause(market: Market, run: str) -> None:
    book = await book_of(market, run)
    first = next(row for row in texts(book, "明细 lines") if row[1] == market.sellers[0].uscc)
    assert first[0] == "年度流通交易额前十奖励 · Top ten by yearly traded amount"
    assert (first[5], first[6], first[11]) == ("已支付 · paid", 900000, 9000)
    assert "拟奖补 · proposed" not in {row[5] for row in texts(book, "明细 lines")}
    payments = [row for row in texts(book, "支付 payments") if row[0] == market.sellers[0].uscc]
    refused = "退回 refused：收款账户已销户（AC04：账户已销户） · the account is closed (AC04: 账户已销户)"
    told = [("记账 payable", 9000), (refused, 9000), ("支付 paid", 9000)]
    assert [(row[3], row[4]) for row in payments] == told


async def test_steps_parameters_and_facts_are_told_in_chinese(market: Market, run: str) -> None:
    book = await book_of(market, run)
    steps = {row[3:6] for row in texts(book, "步骤 steps")}
    assert ("上限 cap", "触及 bound", "否 false") in steps
    assert ("排名 rank", "排名依据 by", "净交易额 net_platform_turnover") in steps
    assert not [row for row in steps if str(row[0]).isascii() and row[0] not in ("step", None)]
    parameters = {row[1:4] for row in texts(book, "参数 parameters")}
    assert {
        ("上限 cap", "2024-01-01", 200000),
        ("名额 top", None, 10),
        ("并列 ties", None, "全部计入 include_all"),
    } <= parameters
    questions = [row[0] for row in texts(book, "解释 interpretations")]
    assert "按谁的交易额排名" in questions
    snapshot = texts(book, "快照 snapshot")
    assert market.sellers[0].uscc in {row[0] for row in snapshot}
    assert {"净交易额", "net_platform_turnover"} <= {str(cell) for row in snapshot for cell in row}
    flags = {row[1]: row[5] for row in texts(book, "异常 exceptions")}
    assert "临近入围线 · near the cut" in str(flags[market.sellers[10].uscc])


async def test_a_ring_names_its_enterprises(fresh_database: Database) -> None:
    on, officers = await world.stage(fresh_database), world.Officers()
    one, other = [await world.enterprise(fresh_database) for _ in range(2)]
    for seller, buyer in ((one, other), (other, one)):
        await world.sells(on, seller, 5_000_000, to=buyer, at=MARCH)
    run = await world.publicised(fresh_database, officers)
    async with fresh_database.transaction() as session:
        filed = await filed_of(session, await run_queries.get_run(session, run.id))
    tables = next(tables for name, _, tables in sheets_of(filed) if name == "异常 exceptions")
    sold = {tuple(row[:2]) for row in tables[1][1]}
    first, second = (f"{firm.name_zh}（{firm.uscc}）" for firm in (one, other))
    assert sold == {(first, second), (second, first)}


async def test_every_sheet_prints_on_a4_across_with_headings_title_and_numbers(
    market: Market, run: str
) -> None:
    for sheet in await book_of(market, run):
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr is not None
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$1:$2"
        assert "数据要素市场发展财政支持政策 2024" in str(sheet.oddHeader)
        assert "&P" in str(sheet.oddFooter)
        assert sheet.freeze_panes == "A3"


async def test_a_run_that_is_only_proposed_says_so(market: Market) -> None:
    run = str((await world.publicised(market.database, market.officers)).id)
    book = await book_of(market, run)
    assert "拟奖补 · proposed" in {row[5] for row in texts(book, "明细 lines")}
    assert len(texts(book, "支付 payments")) == 2


async def test_the_dossier_of_a_decided_run_is_the_same_bytes_by_its_id_and_by_its_year(
    market: Market, run: str
) -> None:
    auditor, made = market.client(AUDITOR), []
    for address in (f"/subsidy/runs/{run}/export.xlsx", f"/subsidy/export.xlsx?year={YEAR}"):
        answer = await auditor.get(address)
        assert answer.status_code == 200, answer.text
        made.append(answer.content)
        await asyncio.sleep(1.1)  # a zip counts in two seconds, a property in one
    assert made[0] == made[1]
    properties = openpyxl.load_workbook(io.BytesIO(made[0])).properties
    assert properties.created == properties.modified == PAID.replace(tzinfo=None)
    none = await auditor.get(f"/subsidy/export.xlsx?year={YEAR + 1}")
    assert (none.status_code, none.json()["code"]) == (404, "not-found")
