"""Figures as pages write them: amounts, days and instants of the market; none is calculated here."""

import re
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from datamarket.foundation.clock import MARKET_ZONE, business_date
from datamarket.foundation.money import Fen, half_up, yuan

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)")
_SIZES = {
    "zh": ((10**8, " 亿"), (10**4, " 万")),
    "en": ((10**9, " bn"), (10**6, " m"), (10**3, " k")),
}
_DAY = len("2026-11-20")


def money(fen: int | None) -> str:
    """1234567 → 12,345.67"""
    return "–" if fen is None else yuan(Fen(fen), grouped=True)


def rounded(fen: int | None, language: str) -> str:
    """For headings, beside which the exact amount stands: 3,456.78 万, 34.57 m."""
    if fen is None:
        return "–"
    for size, unit in _SIZES[language]:
        if abs(fen) >= size * 100:
            return yuan(half_up(Fraction(fen, size)), grouped=True) + unit
    return money(fen)


def ten_thousands(fen: int | None) -> str:
    """In 万元, beside which the exact amount stands: 187,162.2277 万元 → 187,162.23"""
    return "–" if fen is None else yuan(half_up(Fraction(fen, 10**4)), grouped=True)


def count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def many(number: int | None, language: str) -> str:
    """Counts for headings: 49.66 亿, 4.97 bn; a small one as it is."""
    for size, unit in _SIZES[language]:
        if number is not None and number >= max(size, 10_000):
            return yuan(half_up(Fraction(number * 100, size)), grouped=True) + unit
    return count(number)


def instant(text: str | None) -> str:
    """In the market's own time, to the minute."""
    return datetime.fromisoformat(text).astimezone(MARKET_ZONE).strftime("%Y-%m-%d %H:%M") if text else "–"


def day_of(text: str) -> date:
    """The market's day of an instant, or the day itself."""
    return date.fromisoformat(text) if len(text) == _DAY else business_date(datetime.fromisoformat(text))


def days_until(text: str, now: datetime) -> int:
    """Days of the calendar from today; below zero when it is past."""
    return (day_of(text) - business_date(now)).days


def is_instant(value: Any) -> bool:
    return isinstance(value, str) and bool(_INSTANT.fullmatch(value))


def share(bps: int | None) -> str:
    """Basis points as a percentage: 9910 → 99.10%."""
    return "–" if bps is None else f"{'-' * (bps < 0)}{abs(bps) // 100}.{abs(bps) % 100:02}%"
