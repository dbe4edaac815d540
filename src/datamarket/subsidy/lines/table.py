"""Lines of a run as a table for people: amounts in yuan, names and statuses in both languages."""

from collections.abc import Iterable
from typing import Any

from datamarket.foundation.spreadsheets.cells import amount, csv_of
from datamarket.subsidy.lines.queries import LineView

_HEADINGS = (
    "条款 clause", "申报对象 candidate", "名称 name", "企业 enterprise", "企业（英文） enterprise (en)",
    "统一社会信用代码 credit code", "状态 status", "状态（英文） status (en)", "名次 rank", "比例 rate",
    "基数（元） base (yuan)", "上限（元） cap (yuan)", "奖补（元） award (yuan)",
)  # fmt: skip


def table_of(views: Iterable[LineView]) -> bytes:
    """As CSV, in the order in which they are given."""
    return csv_of(_HEADINGS, map(_cells_of, views))


def _cells_of(view: LineView) -> list[Any]:
    line, status = view.line, view.status
    known = [line.clause_id, line.candidate_id, line.name, line.enterprise_zh, line.enterprise_en, line.uscc]
    amounts = [amount(fen) for fen in (line.base_fen, line.cap_fen, line.amount_fen)]
    return [*known, status.zh, status.en, line.rank, line.rate, *amounts]
