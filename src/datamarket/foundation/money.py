"""Money is a whole number of fen, a rate is an exact fraction, rounding is half up and stands here."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NewType

Fen = NewType("Fen", int)
FEN_PER_YUAN = 100
MAX_FEN = 2**63 - 1  # what a PostgreSQL bigint holds

_YUAN = re.compile(r"(-?)(\d{1,16})(?:\.(\d{1,2}))?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)%", re.ASCII)


def half_up(exact: Fraction) -> int:
    """Round to the nearest whole number; a half goes away from zero."""
    return _half_up(exact.numerator, exact.denominator)


def _half_up(numerator: int, denominator: int) -> int:
    """The same for a quotient of whole numbers, denominator above zero."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def apply_rate(amount: Fen, rate: Fraction) -> Fen:
    """Amount times rate, half up to the fen."""
    return Fen(_half_up(amount * rate.numerator, rate.denominator))


def split(total: Fen, weights: Sequence[int | Fraction]) -> list[Fen]:
    """Share `total` in proportion to `weights` by the largest remainder; the parts add up exactly.

    Equal remainders are served in the order given. No part exceeds its weight when `total` is at
    most the sum of whole weights: partial refunds stand on that. Raises ValueError when the weights
    are negative or all zero, or the total is negative.
    """
    scale = lcm(*(weight.denominator for weight in weights))
    scaled = [weight.numerator * (scale // weight.denominator) for weight in weights]
    whole = sum(scaled)
    if total < 0 or whole <= 0 or min(scaled) < 0:
        message = f"cannot split {total} over {list(weights)}"
        raise ValueError(message)
    shares = [divmod(total * weight, whole) for weight in scaled]
    parts = [quotient for quotient, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return [Fen(part) for part in parts]


def parse_yuan(text: str) -> Fen:
    """'1234.5' → 123450 fen. Text only: a float has lost its fen already. Raises ValueError."""
    match = _YUAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        message = f"not an amount in yuan with at most two decimals: {text!r}"
        raise ValueError(message)
    sign, yuan, cents = match.groups()
    fen = int(yuan) * FEN_PER_YUAN + int((cents or "0").ljust(2, "0"))
    return Fen(-fen if sign else fen)


def yuan(amount: int, *, grouped: bool = False) -> str:
    """123450 fen → '1234.50', or '1,234.50' for people."""
    sign = "-" if amount < 0 else ""
    whole, cents = divmod(abs(amount), FEN_PER_YUAN)
    return f"{sign}{whole:,}.{cents:02d}" if grouped else f"{sign}{whole}.{cents:02d}"


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾"))


def capital_numerals(amount: int) -> str:
    """123450 fen → '壹仟贰佰叁拾肆元伍角整', as sums are written on documents; below zero 负 stands first.

    正确填写票据和结算凭证的基本规定 (of the 支付结算办法, 银发〔1997〕393号): 整 after 元 or 角, one 零 for zeros between.
    """
    whole, cents = divmod(abs(amount), FEN_PER_YUAN)
    tenths, rest = divmod(cents, 10)
    text = f"{_capitals(whole)}元" if whole or not cents else ""
    text += f"{_DIGITS[tenths]}角" if tenths else "零" if whole and rest else ""
    return ("负" if amount < 0 else "") + text + (f"{_DIGITS[rest]}分" if rest else "整")


def _capitals(number: int) -> str:
    for place, unit in _PLACES:
        if number >= place:
            high, low = divmod(number, place)
            between = "零" if 0 < low < place // 10 else ""
            return f"{_capitals(high)}{unit}{between}{_capitals(low) if low else ''}"
    return _DIGITS[number]


def parse_rate(text: str) -> Fraction:
    """'30%' and '0.30' are the same exact fraction. Raises ValueError for anything but such text."""
    if isinstance(text, str):
        cleaned = text.strip()
        percent = _PERCENT.fullmatch(cleaned)
        if percent:
            return Fraction(percent.group(1)) / 100
        if re.fullmatch(r"[0-9](?:\.[0-9]{1,12})?", cleaned):
            return Fraction(cleaned)
    message = f"not a rate; write it as text, such as '30%' or '0.30': {text!r}"
    raise ValueError(message)


def percent(rate: Fraction) -> str:
    """Fraction(3, 200) → '1.5%'; a rate without a finite decimal is shown as a fraction."""
    hundredfold = rate * 100
    denominator = hundredfold.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator != 1:
        return f"{rate.numerator}/{rate.denominator}"
    exact = Decimal(hundredfold.numerator) / Decimal(hundredfold.denominator)
    return f"{exact:f}%"
