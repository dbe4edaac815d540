"""An answer as a file: its JSON, table, workbook or chart, by the name that is asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from datamarket.foundation.errors import Invalid
from datamarket.subsidy.questions import charts, drawing, sheets
from datamarket.subsidy.terms import canonical_json, sha256_of

Answer = Mapping[str, Any]
WRITERS: Mapping[str, Callable[[Answer, str], bytes]] = {
    ".json": lambda answer, _: canonical_json(answer),
    ".csv": sheets.csv_table,
    ".xlsx": sheets.workbook,
    ".svg": lambda answer, sha256: drawing.draw_now(charts.chart_of(answer, sha256)).svg,
    ".png": lambda answer, sha256: drawing.draw_now(charts.chart_of(answer, sha256)).png,
}


class StudyFileUnknown(Invalid):
    code = "subsidy.study-file-unknown"
    zh = "不知道如何写“{file}”；可以写：{known}。"
    en = "'{file}' is no kind of file that a study is written as; those are {known}."


def write(answer: Answer, path: Path) -> None:
    """Under the digest that the same study has in the market. Raises StudyFileUnknown, ChartNotDrawn, OSError."""
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise StudyFileUnknown(file=path.name, known=", ".join(WRITERS))
    path.write_bytes(writer(answer, sha256_of(answer)))
