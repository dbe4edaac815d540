"""A study as a table (CSV) and as a workbook: what was asked, who changes and why, the curve, the grid."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datamarket.foundation.spreadsheets.cells import amount, csv_of
from datamarket.subsidy.studies.whatif import Move
from datamarket.subsidy.terms import canonical_json

Table = tuple[str, tuple[int, ...], tuple[tuple[str, str], ...], Sequence[Sequence[Any]]]
_CHANGES = (
    ("条款", "clause"), ("申报对象", "candidate"), ("企业", "enterprise"), ("名称", "name"), ("测算前（元）", "before (yuan)"),
    ("测算后（元）", "after (yuan)"), ("增减（元）", "change (yuan)"), ("变化", "move"), ("原因", "reason"), ("原因（英文）", "reason (en)"),
)  # fmt: skip
_POINTS = (
    ("取值", "value"),
    ("合计（元）", "total (yuan)"),
    ("获奖家数", "recipients"),
    ("触及上限", "cap-bound"),
)
_KINKS = (
    ("比例（精确）", "rate, exact"), ("比例", "percent"), ("申报对象", "candidate"), ("名称", "name"), ("情形", "effect"),
    ("此后基数（元）", "base from here (yuan)"),
)  # fmt: skip
_GRID = (("比例", "rate"), ("上限（元）", "cap (yuan)"), *_POINTS[1:])
_RANKS = (
    ("条款", "clause"), ("申报对象", "candidate"), ("名称", "name"), ("原名次", "rank before"), ("新名次", "rank after"),
    ("原基数（元）", "base before (yuan)"), ("新基数（元）", "base after (yuan)"), ("原奖补（元）", "award before (yuan)"),
    ("新奖补（元）", "award after (yuan)"),
)  # fmt: skip
_FACTS = (("项目", "item"), ("内容", "value"))
_UNKNOWN = "预算不足，须由人决定 the budget stops it"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first instant that a ZIP archive can name."""
_WRITTEN_AT, _EPOCH_TEXT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), b"1980-01-01T00:00:00Z"
MOVES = {
    Move.ENTERED: "新获奖补", Move.LEFT: "不再获得", Move.UP: "增加", Move.DOWN: "减少", Move.UNCHANGED: "不变",
}  # fmt: skip


def csv_table(answer: Mapping[str, Any], sha256: str) -> bytes:
    """The first table that the question has; the last column names the study that each row is of."""
    _, _, headings, rows = next(iter(_tables(answer)))
    marked = answer["watermark"]
    names = [f"{zh} {en}" for zh, en in headings]
    return csv_of([*names, f"{marked['zh']} {marked['en']}"], [[*row, sha256] for row in rows])


def workbook(answer: Mapping[str, Any], sha256: str) -> bytes:
    """Every table, behind a sheet that says what was asked of what; the same bytes for the same study."""
    from datamarket.foundation.spreadsheets import workbooks  # noqa: PLC0415 - loads openpyxl only when asked for

    marked = answer["watermark"]
    book = workbooks.new_book(f"{marked['zh']} {marked['en']} · {answer['scheme']} {answer['year']}")
    workbooks.add_sheet(book, "测算 study", (44, 100), (_FACTS, _facts(answer, sha256)))
    for title, widths, headings, rows in _tables(answer):
        workbooks.add_sheet(book, title, widths, (headings, rows))
    return _settled(workbooks.packed(book))


def _settled(archive: bytes) -> bytes:
    """The same workbook with no instant of its writing in it."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = (
                _WRITTEN_AT.sub(_EPOCH_TEXT, old.read(name))
                if name == "docProps/core.xml"
                else old.read(name)
            )
            new.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _facts(answer: Mapping[str, Any], sha256: str) -> Iterable[tuple[str, Any]]:
    yield "性质 nature", f"{answer['watermark']['zh']} {answer['watermark']['en']}"
    yield "测算哈希 study sha256", sha256
    yield "方案 scheme", answer["scheme"]
    yield "年度 year", answer["year"]
    for name in ("scheme_sha256", "snapshot_sha256", "engine_id"):
        yield (
            f"{ {'scheme_sha256': '方案哈希', 'snapshot_sha256': '快照哈希', 'engine_id': '计算程序'}[name] } {name}",
            answer[name],
        )
    yield "问题 question", canonical_json(answer["question"]).decode()
    if compared := answer["comparison"]:
        yield "测算前合计（元） before (yuan)", amount(compared["before_fen"])
        yield "测算后合计（元） after (yuan)", amount(compared["after_fen"])
        yield "增减（元） change (yuan)", amount(compared["delta_fen"])
        yield "获奖家数 recipients", f"{compared['recipients_before']} → {compared['recipients_after']}"
        if compared["notice"]:
            yield "提示 notice", f"{compared['notice']['zh']} {compared['notice']['en']}"
    if met := answer["meeting"]:
        yield "预算（元） budget (yuan)", amount(met["budget_fen"])
        yield "满足预算的最大比例 largest rate within it", met["rate"]
        yield "其费用（元） its cost (yuan)", amount(met["cost_fen"])
        yield "下一档比例及费用 the next rate and cost", f"{met['next_rate']} {amount(met['next_cost_fen'])}"
        yield (
            "恰好用完预算的比例（舍入前） binds at, before rounding",
            f"{met['binds_at']} {met['binds_at_percent']}",
        )


def _tables(answer: Mapping[str, Any]) -> Iterable[Table]:
    if answer["grid"] is not None:
        yield "网格 grid", (12, 18, 18, 12, 12), _GRID, list(_cells(answer["grid"]))
    if (curve := answer["curve"]) is not None:
        points = [
            [row["value"], _cost(row["total_fen"]), row["recipients"], row["cap_bound"]]
            for row in curve["points"]
        ]
        yield "曲线 curve", (16, 18, 12, 12), _POINTS, points
        kinks = [
            [kink[name] for name in ("rate", "percent", "candidate", "name", "effect", "open_base")]
            for kink in curve["kinks"] or ()
        ]
        yield "拐点 kinks", (30, 14, 22, 24, 16, 24), _KINKS, kinks
    if answer["comparison"] is not None:
        yield (
            "变化 changes",
            (20, 22, 22, 24, 16, 16, 16, 14, 22, 26),
            _CHANGES,
            [_change(row) for row in answer["comparison"]["changes"]],
        )
        yield (
            "名次 ranks",
            (20, 22, 24, 8, 8, 18, 18, 16, 16),
            _RANKS,
            [_rank(row) for row in answer["ranks"]],
        )


def _cost(fen: int | None) -> Any:
    return _UNKNOWN if fen is None else amount(fen)


def _cells(grid: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for row, rate in enumerate(grid["rates"]):
        for column, cap in enumerate(grid["caps"]):
            total, paid, bound = (
                grid[name][row][column] for name in ("total_fen", "recipients", "cap_bound")
            )
            yield [rate, cap, _cost(total), paid, bound]


def _change(row: Mapping[str, Any]) -> Sequence[Any]:
    before, after, move = row["before_fen"], row["after_fen"], Move(row["move"])
    named = [row[name] for name in ("clause", "candidate", "enterprise", "name")]
    sums = [amount(before), amount(after), amount(after - before)]
    return [*named, *sums, f"{MOVES[move]} {move.value}", row["reason_zh"], row["reason_en"]]


def _rank(row: Mapping[str, Any]) -> Sequence[Any]:
    sums = [
        amount(row[f"{name}_{side}"]) for name in ("base_fen", "award_fen") for side in ("before", "after")
    ]
    return [row["clause"], row["candidate"], row["name"], row["rank_before"], row["rank_after"], *sums]
