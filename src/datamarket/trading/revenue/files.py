"""The dated rules of `rules.yaml`: how a sale is taxed and split, and when its seller may price a use."""

from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from datamarket.foundation.documents.dated import DatedValue, read_dated, read_days
from datamarket.foundation.money import parse_rate, parse_yuan
from datamarket.trading.terms import Bracket, RevenueRule

_KEYS = {"id", "vat", "brackets"}
_SHARES = {"above", "supplying", "operator"}


@cache
def revenue_rules() -> tuple[RevenueRule, ...]:
    """Every rule that ships with the product, oldest first."""
    return tuple(
        RevenueRule(valid_from=rule.begins, valid_to=rule.ends, **rule.value)
        for rule in _stated()["revenue_rule"]
    )


@cache
def pricing_waits() -> tuple[DatedValue[timedelta], ...]:
    """How long a use is left to its buyer's pricing, oldest first."""
    return _stated()["seller_prices_after_days"]


def _stated() -> dict[str, tuple[DatedValue[Any], ...]]:
    content = (files("datamarket.trading.revenue") / "rules.yaml").read_bytes()
    readers = {"revenue_rule": _terms, "seller_prices_after_days": read_days}
    return read_dated("trading/revenue/rules.yaml", content, readers)


def _terms(value: Any) -> dict[str, Any]:
    """What a rule says, beside its span. Raises ValueError for brackets that are no brackets."""
    if not isinstance(value, dict) or {*value} != _KEYS:
        _refuse(f"a revenue rule has {', '.join(sorted(_KEYS))}")
    if not isinstance(value["brackets"], list) or any({*row} != _SHARES for row in value["brackets"]):
        _refuse(f"a bracket has {', '.join(sorted(_SHARES))}")
    brackets = tuple(
        Bracket(parse_yuan(row["above"]), parse_rate(row["supplying"]), parse_rate(row["operator"]))
        for row in value["brackets"]
    )
    thresholds = [bracket.above for bracket in brackets]
    if thresholds[:1] != [0] or thresholds != sorted(set(thresholds)):
        _refuse("brackets must rise from 0.00")
    if any(bracket.supplying + bracket.operator > 1 for bracket in brackets):
        _refuse("shares exceed the whole")
    return {"id": value["id"], "vat_rate": parse_rate(value["vat"]), "brackets": brackets}


def _refuse(fault: str) -> NoReturn:
    raise ValueError(fault)
