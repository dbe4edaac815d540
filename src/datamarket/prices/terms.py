"""Words of permitted incomes: what they are made of, their states, their steps."""

from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled


class IncomeItemKind(Labelled):
    """What a filed figure is: costs, and what else a permitted income is made of."""

    DEPRECIATION = "depreciation", "折旧与摊销", "depreciation and amortisation"
    LABOUR = "labour", "人工费用", "labour"
    OPERATION = "operation", "运行维护费用", "running and upkeep"
    PROCUREMENT = "procurement", "采购与服务费用", "purchases and services"
    OTHER_COST = "other_cost", "其他成本", "other costs"
    SUBSIDY = "subsidy", "已获财政补贴", "subsidies received"
    BASE = "base", "准许收益基数", "base of the profit"
    TAX = "tax", "税金", "tax"


NO_COSTS = frozenset({IncomeItemKind.SUBSIDY, IncomeItemKind.BASE, IncomeItemKind.TAX})


class IncomeStepKind(Labelled):
    """What a step does to the permitted income."""

    COST = "cost", "加：成本", "plus cost"
    SUBSIDIES = "subsidies", "减：财政补贴", "less subsidies"
    PROFIT = "profit", "加：准许收益", "plus profit"
    TAXES = "taxes", "加：税金", "plus tax"
    EXCESS = "excess", "减：以前年度超收", "less what was earned too much before"


class IncomeState(Labelled):
    FILED = "filed", "已申报", "filed"
    REVIEWED = "reviewed", "已审核", "reviewed"
    APPROVED = "approved", "已核定", "approved"
    COMPARED = "compared", "已比对", "compared"
    RETURNED = "returned", "已退回", "returned"


class PriceRate(Labelled):
    """What must be stated before an income can be counted or compared."""

    TREASURY_YIELD = "treasury_yield", "十年期国债收益率", "ten-year treasury yield"
    DEVIATION_MOST = "deviation_most", "年度收入偏差限值", "limit of the yearly deviation"


class IncomeEvent(Labelled):
    REVIEW = "review", "审核", "review"
    APPROVE = "approve", "核定", "approve"
    RETURN = "return", "退回", "return"
    COMPARE = "compare", "年度比对", "compare"


class IncomeOutcome(Labelled):
    """What follows from the comparison of a year."""

    EQUAL = "equal", "收入与核定一致", "as permitted"
    ADJUST = "adjust", "偏差未超限，由运营机构调整", "the operator adjusts its prices"
    RESET = "reset", "偏差超限，须重新核定上限价格", "the ceilings are to be reset"


class IncomeItem(NamedTuple):
    """A filed figure with its document, and the digest of that."""

    kind: IncomeItemKind
    amount_fen: int
    document: str
    document_sha256: str


class IncomeStep(NamedTuple):
    """So much is added, or taken off below zero; `source` is where the figure comes from."""

    kind: IncomeStepKind
    amount_fen: int
    source: str


class Excess(NamedTuple):
    """What is left of what was earned too much in a year, and the income that it was compared with."""

    income_id: UUID
    year: int
    left_fen: int
