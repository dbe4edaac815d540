"""The assumed shape of a market year, read from `shapes.yaml`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from datamarket.foundation.money import Fen, parse_rate, parse_yuan


@dataclass(frozen=True)
class Shapes:
    """Amounts in fen, shares as exact fractions. The exponents only shape random draws, never money owed."""

    top_turnover: Fen
    rank_exponent: Decimal
    contract_median: Fen
    contract_spread: Decimal
    related_share: Fraction
    circular_share: Fraction
    free_share: Fraction
    refund_share: Fraction
    outside_share: Fraction
    stress_turnovers: tuple[Fen, ...]
    suspended_rank: int
    suspended_month: int
    everyone_sells_above: int
    added_prices: tuple[Fen, ...]
    second_product_share: Fraction
    cases: int
    provincial_share: Fraction
    national_share: Fraction
    joint_share: Fraction
    investment_median: Fen
    investment_spread: Decimal
    case_titles: tuple[tuple[str, str, str], ...]
    """Field, and title in both languages; the fields in turn."""

    def turnover_of_rank(self, rank: int) -> Fen:
        """The yearly turnover that rank r is meant to reach: rank 1 divided by r to the exponent."""
        return Fen(int(Decimal(self.top_turnover) / Decimal(rank) ** self.rank_exponent))

    def contract_size(self, random: Random) -> Fen:
        """One draw from the heavy tail."""
        return _log_normal(random, self.contract_median, self.contract_spread)

    def investment(self, random: Random) -> Fen:
        """One draw of what a case cost."""
        return _log_normal(random, self.investment_median, self.investment_spread)


def _log_normal(random: Random, median: Fen, spread: Decimal) -> Fen:
    return Fen(int(median * math.exp(random.gauss(0, 1) * spread.__float__())))


def _titles(
    subjects: Mapping[str, Sequence[tuple[str, str]]], uses: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str, str]]:
    for of_each_field in zip(*subjects.values(), strict=True):
        for use_zh, use_en in uses:
            for field, (zh, en) in zip(subjects, of_each_field, strict=True):
                yield field, zh + use_zh, f"{en} {use_en}"


@cache
def shapes() -> Shapes:
    """The shapes that ship with the product."""
    document: dict[str, Any] = yaml.safe_load((files("datamarket.simulation") / "shapes.yaml").read_bytes())
    return Shapes(
        top_turnover=parse_yuan(document["top_turnover"]),
        rank_exponent=Decimal(document["rank_exponent"]),
        contract_median=parse_yuan(document["contract_median"]),
        contract_spread=Decimal(document["contract_spread"]),
        related_share=parse_rate(document["related_share"]),
        circular_share=parse_rate(document["circular_share"]),
        free_share=parse_rate(document["free_share"]),
        refund_share=parse_rate(document["refund_share"]),
        outside_share=parse_rate(document["outside_share"]),
        stress_turnovers=tuple(parse_yuan(text) for text in document["stress_turnovers"]),
        suspended_rank=document["suspended_rank"],
        suspended_month=document["suspended_month"],
        everyone_sells_above=document["everyone_sells_above"],
        added_prices=tuple(parse_yuan(text) for text in document["added_prices"]),
        second_product_share=parse_rate(document["second_product_share"]),
        cases=document["cases"],
        provincial_share=parse_rate(document["provincial_share"]),
        national_share=parse_rate(document["national_share"]),
        joint_share=parse_rate(document["joint_share"]),
        investment_median=parse_yuan(document["investment_median"]),
        investment_spread=Decimal(document["investment_spread"]),
        case_titles=tuple(_titles(document["case_subjects"], document["case_uses"])),
    )
