"""Money: one rounding, one split, exact."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.money import (
    Fen,
    apply_rate,
    capital_numerals,
    half_up,
    parse_rate,
    parse_yuan,
    percent,
    split,
    yuan,
)

amounts = st.integers(min_value=0, max_value=10**16).map(Fen)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_half_up_is_what_decimal_calls_round_half_up(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator * 2)
    expected = (Decimal(numerator) / Decimal(denominator * 2)).quantize(Decimal(1), ROUND_HALF_UP)
    if (exact * 2).denominator == 1:  # Decimal is exact here
        assert half_up(exact) == int(expected)
    assert abs(half_up(exact) - exact) <= Fraction(1, 2)


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any))
def test_the_parts_of_a_split_add_up_and_stay_within_a_fen_of_the_exact_share(
    total: Fen, weights: list[int]
) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any), st.data())
def test_no_part_exceeds_its_weight_when_the_total_is_within_the_weights(
    weights: list[int], data: st.DataObject
) -> None:
    total = Fen(data.draw(st.integers(0, sum(weights))))
    assert all(part <= weight for part, weight in zip(split(total, weights), weights, strict=True))


@given(st.integers(-(10**17), 10**17))
def test_yuan_text_reads_back(amount: int) -> None:
    assert parse_yuan(yuan(amount)) == amount


@pytest.mark.parametrize("text", ["", "1.234", "1e5", "1,000", "NaN", "１２", "0x1", ".5", "5.", "--1"])
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        parse_yuan(text)


def test_thirty_percent_and_nought_point_three_are_one_rate() -> None:
    assert parse_rate("30%") == parse_rate("0.30") == Fraction(3, 10)
    assert percent(Fraction(3, 200)) == "1.5%"
    with pytest.raises(ValueError, match="rate"):
        parse_rate("30")


def test_half_a_fen_goes_up() -> None:
    assert apply_rate(Fen(10005), Fraction(3, 10)) == 3002  # 30.015
    assert apply_rate(Fen(10015), Fraction(3, 10)) == 3005  # 30.045: half to even would give 30.04
    assert apply_rate(Fen(-10015), Fraction(3, 10)) == -3005


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (5, []), (5, [0, 0]), (5, [2, -1])])
def test_a_split_without_sense_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="split"):
        split(Fen(total), weights)


def read_capitals(text: str) -> int:
    """Fen of an amount in capital numerals, read from left to right."""
    places = {"拾": 10, "佰": 100, "仟": 1000}
    whole = section = digit = fen = 0
    for sign in text:
        if sign in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(sign)
        elif sign in places:
            section, digit = section + digit * places[sign], 0
        elif sign == "万":
            whole, section, digit = whole + (section + digit) * 10**4, 0, 0
        elif sign == "亿":
            whole, section, digit = (whole + section + digit) * 10**8, 0, 0
        elif sign in "元角分":
            fen += {"元": whole + section + digit, "角": digit, "分": digit}[sign] * {
                "元": 100,
                "角": 10,
                "分": 1,
            }[sign]
            digit = 0
    return fen


@given(st.integers(0, 10**16))
def test_an_amount_in_capital_numerals_reads_as_itself(amount: int) -> None:
    text = capital_numerals(amount)
    assert read_capitals(text) == amount
    assert "零零" not in text
    assert text.endswith("分") is (amount % 10 != 0)
    assert amount == 0 or capital_numerals(-amount) == f"负{text}"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (123_450, "壹仟贰佰叁拾肆元伍角整"),
        (100_005, "壹仟元零伍分"),
        (1_000_000_000, "壹仟万元整"),
        (1_000_001_000, "壹仟万零壹拾元整"),
        (100_000_000_000, "壹拾亿元整"),
        (6_020_000_007, "陆仟零贰拾万元零柒分"),
    ],
)
def test_sums_of_documents_are_written_as_the_rule_of_bills_says(amount: int, text: str) -> None:
    assert capital_numerals(amount) == text
