"""Cells of a table for people: amounts keep every fen, and no text is taken for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from datamarket.foundation import money

CSV = "text/csv"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXACT_FEN = 10**13  # below it a spreadsheet's fifteen digits hold every fen
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BYTE_ORDER_MARK = "\ufeff"


def safe(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is led by an apostrophe."""
    if not isinstance(value, str):
        return value
    text = _CONTROLS.sub("�", value)
    return f"'{text}" if text.startswith(_RISKY) and not _is_amount(text) else text


def _is_amount(text: str) -> bool:
    try:
        money.parse_yuan(text)
    except ValueError:
        return False
    return text == text.strip()


def amount(fen: int | None) -> Decimal | str:
    """Yuan as a number of two decimals while a spreadsheet keeps it exactly, as text above that."""
    if fen is None:
        return ""
    return Decimal(fen).scaleb(-2) if abs(fen) < EXACT_FEN else money.yuan(fen)


def csv_of(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """One table as CSV in UTF-8, with the mark by which a spreadsheet knows it."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(headings)
    writer.writerows([safe(value) for value in row] for row in rows)
    return (_BYTE_ORDER_MARK + written.getvalue()).encode()
