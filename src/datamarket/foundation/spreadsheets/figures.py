"""Amounts and days as offices write them: full-width, grouped, in 万元, with a sign of currency; exact or refused."""

import re
import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from datamarket.foundation.inputs.texts import Said, ValueFault
from datamarket.foundation.money import FEN_PER_YUAN

UNITS = {"元": 1, "千元": 10**3, "万": 10**4, "万元": 10**4, "百万元": 10**6, "亿": 10**8, "亿元": 10**8}
"""Yuan in each."""
MOST_YUAN = 10**16
"""An amount of money has at most sixteen digits before the point."""
LONGEST_FIGURE = 64
EXACT_DIGITS = 15
"""A spreadsheet keeps no more of a number."""
DAY_ZERO = date(1899, 12, 30)
"""What a spreadsheet counts its days from; some count from 1904."""
_MINUS = str.maketrans({"−": "-", "–": "-"})
_FIGURE = re.compile(
    r"(?P<minus>-?)(?:¥|人民币|rmb|cny)?(?P<whole>\d{1,3}(?:,\d{3})+|\d{1,26})(?:\.(?P<part>\d{1,12}))?(?P<unit>"
    + "|".join(sorted(UNITS, key=len, reverse=True))
    + r")?整?",
    re.ASCII,
)
_DAY = re.compile(r"(20\d\d)(?:年(\d{1,2})月(\d{1,2})日|([./-])(\d{1,2})\4(\d{1,2})|(\d\d)(\d\d))", re.ASCII)
_SERIALS = (date(2000, 1, 1), date(2100, 1, 1))


class FigureFault(ValueFault):
    """What is wrong with a figure, and how to mend it, in both languages."""

    def __init__(self, problem: Said, mend: Said) -> None:
        super().__init__(*problem)
        self.mend = mend


def plain(text: str) -> str:
    """Full-width characters as narrow ones, in lower case, without spaces: for comparing and reading."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split()).translate(_MINUS)


def read_fen(written: str | int | Decimal, unit: int | None) -> int:
    """The fen of an amount whose heading names so many yuan as its unit; exact. Raises FigureFault."""
    text = str(written) if isinstance(written, str | int) else f"{written:f}"
    found = _FIGURE.fullmatch(plain(text)) if len(text) <= LONGEST_FIGURE else None
    if found is None:
        raise FigureFault(
            (f"“{text[:LONGEST_FIGURE]}”不是金额", f"'{text[:LONGEST_FIGURE]}' is no amount"),
            (
                "请写成数字，例如 1234.50 或 1,234.50；不知道时留空，没有时写 0",
                "write a number such as 1234.50 or 1,234.50; leave it empty when not known, 0 when none",
            ),
        )
    named = UNITS[found["unit"]] if found["unit"] else None
    if None not in (named, unit) and named != unit:
        raise FigureFault(
            (f"“{text}”的单位与表头的单位不同", f"'{text}' names another unit than its heading"),
            ("请只在一处注明单位", "name the unit in one place only"),
        )
    exact = Fraction(f"{found['whole'].replace(',', '')}.{found['part'] or 0}") * (named or unit or 1)
    if exact >= MOST_YUAN or (exact * FEN_PER_YUAN).denominator != 1:
        raise FigureFault(
            (f"“{text}”过大，或折合成元后多于两位小数", f"'{text}' is too large, or has parts of a fen"),
            ("请写到分为止", "write it to the fen and no further"),
        )
    fen = int(exact * FEN_PER_YUAN)
    return -fen if found["minus"] else fen


def read_written_day(written: str | int, day_zero: date = DAY_ZERO) -> date | None:
    """The day of '2025年3月1日', '2025.3.1', '20250301' or a spreadsheet's own number; None for what is none."""
    if isinstance(written, int) and abs(written) < 10**6:
        day = day_zero + timedelta(days=written)
        return day if _SERIALS[0] <= day < _SERIALS[1] else None
    found = _DAY.fullmatch(plain(str(written)))
    if found is None:
        return None
    parts = [part for part in found.groups() if part and part.isdigit()]
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
