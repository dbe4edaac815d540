"""Reads the dated revenue rules that ship with the product."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from datamarket.foundation.money import parse_rate, parse_yuan
from datamarket.trading.terms import Bracket, RevenueRule


@cache
def revenue_rules() -> tuple[RevenueRule, ...]:
    """Every rule in `revenue/`, oldest first. Raises ValueError for a file whose brackets are no brackets."""
    folder = files("datamarket.trading") / "revenue"
    documents = [
        yaml.safe_load(file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".yaml")
    ]
    return tuple(sorted((_rule(document) for document in documents), key=lambda rule: rule.valid_from))


def _rule(document: dict[str, Any]) -> RevenueRule:
    brackets = tuple(
        Bracket(parse_yuan(row["above"]), parse_rate(row["supplying"]), parse_rate(row["operator"]))
        for row in document["public_data"]["brackets"]
    )
    thresholds = [bracket.above for bracket in brackets]
    if thresholds[0] != 0 or thresholds != sorted(set(thresholds)):
        message = f"{document['id']}: brackets must rise from 0.00"
        raise ValueError(message)
    if any(bracket.supplying + bracket.operator > 1 for bracket in brackets):
        message = f"{document['id']}: shares exceed the whole"
        raise ValueError(message)
    return RevenueRule(
        id=document["id"],
        valid_from=document["valid"]["from"],
        valid_to=document["valid"]["to"],
        vat_rate=parse_rate(document["vat"]["rate"]),
        brackets=brackets,
    )
