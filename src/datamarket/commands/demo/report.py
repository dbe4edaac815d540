"""What `datamarket demo` prints: the market in numbers, the trial balance, awards with reasons, what to try."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.commands.demo.awards import Happened
from datamarket.commands.demo.contract_years import ContractYear
from datamarket.commands.demo.withdrawal import Withdrawal
from datamarket.foundation.money import Fen, yuan
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.terms import AccountKind
from datamarket.simulation.settling import Settled
from datamarket.simulation.terms import OFFICES
from datamarket.statistics import queries as statistics
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.terms import LineStatus

console = Console(width=118, highlight=False)
OWED_OF_AWARDS = (AccountKind.SUBSIDY_PAYABLE, AccountKind.SUBSIDY_RECEIVABLE, AccountKind.PAYOUT_IN_TRANSIT)
"""What the city owes, what is owed to it, and what is on its way: nothing, once all is paid and came back."""


def _table(title: str, headings: Sequence[str], *, right: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    return table


async def print_market(session: AsyncSession, ledger_id: int, *, year: int, now: datetime) -> None:
    """Who and what there is, and what was traded."""
    counts = await statistics.count_market(session, ledger_id, now=now)
    traded = (await statistics.turnover_by_year(session, ledger_id))[year]
    table = _table(f"市场概览 · the market in numbers, {year}", ("", "", "数 · figure"), right=(2,))
    for zh, en, figure in (
        ("运营专区", "operation zones", f"{counts.open_zones:,}"),
        ("登记的公共数据（条）", "records of registered public data", f"{counts.registered_records:,}"),
        ("数商（在册）", "data merchants", f"{counts.data_merchants:,}"),
        ("准入企业", "enterprises admitted", f"{counts.admitted_enterprises:,}"),
        (
            "运营产品 / 交易产品",
            "operation / exchange products",
            f"{counts.operation_products:,} / {counts.exchange_products:,}",
        ),
        ("在架挂牌", "published listings", f"{counts.published_listings:,}"),
        ("生效合同", "active contracts", f"{counts.active_contracts:,}"),
        (
            "交易 / 公益免费使用",
            "priced trades / free public-good uses",
            f"{traded.trades:,} / {traded.free_trades:,}",
        ),
        ("交易额（元）", "gross turnover, CNY", yuan(traded.gross_fen, grouped=True)),
        ("退款（元）", "refunded, CNY", yuan(traded.refunded_fen, grouped=True)),
        ("国库收入（元）", "treasury income, CNY", yuan(counts.treasury_income_fen, grouped=True)),
    ):
        table.add_row(zh, en, figure)
    console.print(table)


async def print_trial_balance(session: AsyncSession, ledger_id: int) -> None:
    """Debits and credits by kind of account; they are equal, or the books are broken."""
    rows = await ledger.trial_balance(session, ledger_id, at=None)
    table = _table(
        "试算平衡 · trial balance (CNY)",
        ("科目 · account", "账户", "借方 · debit", "贷方 · credit"),
        right=(1, 2, 3),
    )
    for row in rows:
        zh, en = AccountKind(row.kind).labels
        table.add_row(
            f"{zh} · {en}",
            f"{row.accounts:,}",
            yuan(row.debit_fen, grouped=True),
            yuan(row.credit_fen, grouped=True),
        )
    debit, credit = sum(row.debit_fen for row in rows), sum(row.credit_fen for row in rows)
    table.add_section()
    table.add_row("合计 · total", "", yuan(debit, grouped=True), yuan(credit, grouped=True))
    console.print(table)
    console.print(f"借贷差额 · difference: [bold]{yuan(debit - credit)}[/bold]\n")


def print_awards(tables: dossier.AwardTables) -> None:
    """Both subsidies: rank, base, rate, whether the cap was reached, the award."""
    for clause in tables.clauses:
        table = _table(
            f"{clause.title_zh} · {clause.title_en}",
            (
                "名次 · rank",
                "企业 · enterprise",
                "基数（元） · base",
                "比例 · rate",
                "封顶 · cap reached",
                "奖励（元） · award",
            ),
            right=(0, 2, 3, 5),
        )
        for told in clause.awards:
            line = told.line
            table.add_row(
                str(line.rank or ""),
                f"{line.enterprise_zh}\n{line.name if line.name != line.enterprise_zh else line.uscc}",
                yuan(line.base_fen or 0, grouped=True),
                line.rate or "",
                "是 yes" if line.cap_bound else "否 no",
                yuan(line.amount_fen, grouped=True),
            )
        table.add_section()
        table.add_row("", "合计 · total", "", "", "", yuan(clause.total_fen, grouped=True))
        console.print(table)


def print_refused(tables: dossier.AwardTables) -> None:
    """Who is left out, and why."""
    table = _table("未获奖励及原因 · left out, and why (first 12)", ("企业 · enterprise", "原因 · reason"))
    ordered = sorted(tables.refused, key=lambda told: -(told.line.base_fen or 0))
    held = [told for told in ordered if told.line.status == LineStatus.HELD]
    first = ordered[:12]
    for told in [*first, *(told for told in held[:1] if told not in first)]:
        table.add_row(
            f"{told.line.enterprise_zh}\n{told.line.clause_id}",
            f"{told.explanation.zh}\n{told.explanation.en}",
        )
    console.print(table)
    near = tables.next_in_line
    counted = f"共 {tables.without_award} 项未获奖励 · {tables.without_award} without an award"
    ranks = f"{near[0].line.rank}–{near[-1].line.rank}" if near else ""
    console.print(f"{counted}；最接近入围线的 · nearest to the cut, ranks {ranks}:" if near else counted)
    for told in near:
        line = told.line
        console.print(
            f"  {line.rank}  {line.enterprise_zh}  {yuan(line.base_fen or 0, grouped=True)}  "
            f"{told.explanation.zh}",
            markup=False,
        )
    console.print()


def print_explanation(tables: dossier.AwardTables) -> None:
    """One line as an enterprise would be told: the last award of the ranked clause, where the tie is."""
    awards = tables.clauses[-1].awards or tables.clauses[0].awards
    if awards:
        told = awards[-1]
        console.print(f"[bold]一条解释 · one explanation: {told.line.enterprise_zh}[/bold]")
        console.print(told.explanation.zh)
        console.print(told.explanation.en + "\n")


def print_withdrawal(told: Withdrawal) -> None:
    """What a mandate stops when it is withdrawn, link by link for one contract, and what goes on again."""
    zh, en = told.zone
    table = _table(
        f"收回再恢复“{zh}”的运营授权 · the mandate of the {en.lower()} withdrawn and reinstated",
        ("", "", "收回前 · before", "收回后 · withdrawn", "恢复后 · reinstated"),
        right=(2, 3, 4),
    )
    for row_zh, row_en, field in (
        ("在售挂牌", "listings on sale", "listings"),
        ("可使用合同", "contracts in use", "contracts"),
        ("未了结订单", "open orders", "orders"),
        ("冻结或托管资金（分）", "held, fen", "held_fen"),
    ):
        table.add_row(row_zh, row_en, *(f"{getattr(figure, field):,}" for figure in told.figures))
    console.print(table)
    table = _table(
        "其中一份合同的授权链条（收回时） · the chain of one of these contracts, while withdrawn",
        ("环节 · link", "文件 · document", "状态 · state", "原因 · why"),
    )
    for link in told.links:
        cause = " · ".join(link.cause.labels) if link.cause else ""
        table.add_row(" · ".join(link.kind.labels), link.document, " · ".join(link.state.labels), cause)
    console.print(table)
    if told.refusal is not None:
        console.print(told.refusal.sentence("zh"), markup=False)
        console.print(told.refusal.sentence("en") + "\n", markup=False)


async def print_happened(session: AsyncSession, ledger_id: int, happened: Sequence[Happened]) -> None:
    """What happened to whose award, and that nothing stays owed on either side."""
    table = _table(
        "一年奖补的经过（模拟） · what became of the year's awards (simulated)",
        ("经过 · what", "企业 · whom", "之前 · before", "之后 · after"),
        right=(2, 3),
    )
    for one in happened:
        table.add_row("\n".join(one.what), one.whom, one.before, one.after)
    console.print(table)
    still = {
        row.kind: row.debit_fen - row.credit_fen
        for row in await ledger.trial_balance(session, ledger_id, at=None)
        if row.kind in OWED_OF_AWARDS
    }
    for kind in OWED_OF_AWARDS:
        zh, en = kind.labels
        console.print(f"{zh} · {en}: {yuan(Fen(still.get(kind, 0)))}")
    console.print()


def print_contract_years(years: Sequence[ContractYear]) -> None:
    """What was signed, used, paid and given back under one contract of each kind, in the year after."""
    table = _table(
        "四类合同各一年（模拟） · a year of a contract of each kind (simulated)",
        (
            "合同类型\nkind",
            "合同\n…contract",
            "文本摘要\ntext, SHA-256",
            "步骤\nsteps",
            "用量\nunits",
            "成交\ntrades",
            "已付（分）\npaid, fen",
            "退款（分）\nrefunded",
            "对账单与账簿\nstatement = ledger",
        ),
        right=range(3, 8),
    )
    for one in years:
        named = "\n".join(one.kind.labels), one.contract_id.hex[-12:], one.digest[:12]
        figures = one.steps, one.units, one.trades, one.paid_fen, one.refunded_fen
        agrees = "是 yes" if one.agrees else "否 no"
        table.add_row(*named, *(f"{figure:,}" for figure in figures), agrees)
    console.print(table)


async def print_cities(
    session: AsyncSession, cities: Sequence[int], settled: Sequence[Settled], *, sent_fen: int, now: datetime
) -> None:
    """The books of each city apart: what was sold, what its treasury got, what was paid out, and that they balance."""
    table = _table(
        "两城账簿，各自平衡 · the books of two cities, each balanced for itself (CNY)",
        (
            "城市 · city",
            "交易额 · gross",
            "国库 · treasury",
            "付款/退回 · paid/returned",
            "已关账月 · months",
            "借贷差额 · difference",
        ),
        right=range(1, 6),
    )
    for city, one in zip(cities, settled, strict=True):
        traded = (await statistics.turnover_by_year(session, city)).values()
        rows = await ledger.trial_balance(session, city, at=None)
        counts = await statistics.count_market(session, city, now=now)
        table.add_row(
            str(city),
            yuan(sum(year.gross_fen for year in traded), grouped=True),
            yuan(counts.treasury_income_fen, grouped=True),
            f"{one.executed:,} / {one.refused:,}",
            f"{one.months}",
            yuan(sum(row.debit_fen - row.credit_fen for row in rows)),
        )
    console.print(table)
    console.print(f"城际划转已清算 · sent between the cities and settled: {yuan(sent_fen, grouped=True)}\n")


def accounts(password: str) -> str:
    """Who may sign in to a city just loaded, and with what."""
    return (
        f"账户 accounts: {' '.join(OFFICES)} zo-01 … vo-01 … tp-01 … su-01 … dm-001 …\n"
        f"密码（仅显示一次） password, shown once: {password}"
    )


def print_next(
    tables: dossier.AwardTables, books_sha256: str, password: str | None, elsewhere: str | None
) -> None:
    """Hashes that every run with the same seed repeats, and where to go from here; `elsewhere` is a database that DATABASE_URL does not name."""
    view = tables.view
    console.print(f"books_sha256   {books_sha256}", soft_wrap=True)
    console.print(f"scheme_sha256  {view.scheme_sha256}", soft_wrap=True)
    console.print(f"result_sha256  {view.run.result_sha256}\n", soft_wrap=True)
    if password is not None:
        console.print(accounts(password) + "\n", markup=False)
    console.print("[bold]接下来 · what to try next[/bold]")
    if elsewhere is not None:
        console.print(
            f"  先将 DATABASE_URL 指向数据库 {elsewhere} · first let DATABASE_URL name that database"
        )
    console.print(
        "  make serve                                  门户 portal · http://127.0.0.1:8000/     接口 API · /docs\n"
        "                                              登录 sign in: authority 政策 policy · finance 财政 treasury · "
        "auditor 审计 audit · dm-001 企业 enterprise\n"
        "  .venv/bin/datamarket check                  重新核对账簿 · recompute the books\n"
        f"  .venv/bin/datamarket subsidy what-if {view.run.id} --set top-ten-turnover.rate=1.5%\n"
        "  .venv/bin/datamarket demo --stress          三家企业超过 2000 万元 · the cap binds\n"
        "  README.md                                   三类读者的入口 · where each reader starts"
    )
