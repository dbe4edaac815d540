"""What products have earned: by the ledger, and as it was kept; the report as a workbook."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import there
from datamarket.foundation.money import yuan
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.prices.terms import IncomeOutcome, IncomeState, IncomeStepKind

MOST_PRODUCTS = 1_000
"""Of a report, those that earned most; its sum is that of all."""
# Months as the ledger counts them: what comes after a month is closed belongs to the one that was open.
_EARNED = text("""
SELECT t.product_id, -sum(l.amount_fen)::bigint AS income_fen
  FROM ledger_leg l
  JOIN ledger_entry e ON e.ledger_id = l.ledger_id AND e.period = l.period AND e.id = l.entry_id
  LEFT JOIN refund r ON e.kind = 'refund' AND r.id = e.source_id
  JOIN trade t ON t.id = CASE e.kind WHEN 'refund' THEN r.trade_id ELSE e.source_id END
 WHERE l.ledger_id = :ledger_id AND l.account_id = ANY (:accounts) AND l.period BETWEEN :first AND :last
   AND e.kind IN ('settlement', 'refund') AND t.zone_id = :zone
 GROUP BY t.product_id
""")
_KEPT = text("""
SELECT i.product_id, p.code, p.name_zh, p.name_en, i.income_fen
  FROM product_income i JOIN product p ON p.id = i.product_id
 WHERE i.income_id = :income ORDER BY i.income_fen DESC, p.code LIMIT :most
""")
_SUMMARY = (("项目", "item"), ("金额（元）或结果", "amount (yuan) or outcome"))
_PRODUCTS = (("产品编码", "product"), ("名称", "name"), ("收入（元）", "income (yuan)"))
_STEPS = (("步骤", "step"), ("金额（元）", "amount (yuan)"), ("来源", "source"))


class EarnedBy(NamedTuple):
    """A product of a report, and what its operator has earned with it."""

    product_id: UUID
    code: str
    name_zh: str
    name_en: str
    income_fen: int


async def earned(
    session: AsyncSession, ledger_id: int, *, zone_id: UUID, operator_id: UUID, year: int
) -> dict[UUID, int]:
    """By product: what the operator's accounts were credited for sales of the zone in a year, less what went back."""
    kinds = (AccountKind.OPERATOR_INCOME, AccountKind.PROVIDER_INCOME)
    asked = {
        "ledger_id": ledger_id,
        "accounts": [AccountKey(ledger_id, operator_id, kind).id for kind in kinds],
        "first": year * 100 + 1,
        "last": year * 100 + 12,
        "zone": zone_id,
    }
    rows = await (await session.connection()).execute(_EARNED, asked)
    return {row.product_id: row.income_fen for row in rows}


def reported(income: Any, year: int) -> Any:
    """The income, if it is of this year, and compared. Raises NotFound."""
    return there(
        income if (income.year, income.state) == (year, IncomeState.COMPARED) else None, "price report"
    )


async def products_of(session: AsyncSession, income_id: UUID) -> list[EarnedBy]:
    """Those that earned most first."""
    rows = await (await session.connection()).execute(_KEPT, {"income": income_id, "most": MOST_PRODUCTS})
    return [EarnedBy(*row) for row in rows]


def as_workbook(income: Any, products: Sequence[EarnedBy]) -> bytes:
    """A report for people: what was permitted and earned, by product, and the steps of the permitted income."""
    from datamarket.foundation.spreadsheets import workbooks  # noqa: PLC0415 - loads openpyxl

    outcome = IncomeOutcome(income.outcome)
    summary = [
        ("年度 year", str(income.year)),
        ("最高准许收入 permitted income", _yuan(income.amount_fen)),
        ("实际收入 actual income", _yuan(income.actual_fen)),
        ("超收 excess", _yuan(income.excess_fen)),
        ("结果 outcome", f"{outcome.zh} {outcome.en}"),
    ]
    steps = [(_said(step["kind"]), _yuan(step["amount_fen"]), step["source"]) for step in income.steps]
    book = workbooks.new_book()
    workbooks.add_sheet(book, "报告 report", (34, 30), (_SUMMARY, summary))
    rows = [(one.code, f"{one.name_zh} {one.name_en}", _yuan(one.income_fen)) for one in products]
    workbooks.add_sheet(book, "产品 products", (20, 50, 18), (_PRODUCTS, rows))
    workbooks.add_sheet(book, "核定 permitted income", (40, 18, 60), (_STEPS, steps))
    return workbooks.packed(book)


def _said(kind: str) -> str:
    return " ".join(IncomeStepKind(kind).labels)


def _yuan(fen: int) -> Decimal:
    return Decimal(yuan(fen))
