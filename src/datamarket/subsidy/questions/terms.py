"""What a question may ask over a range, and what is found, in both languages."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from datamarket.foundation.states import Labelled
from datamarket.subsidy.terms import decimal_text

WATERMARK = {"zh": "测算，不是决定", "en": "study, not a decision"}
STUDY_FORMAT = "subsidy-study/1"


class KinkEffect(Labelled):
    """What happens to a recipient as the rate rises through a kink."""

    CAP_BOUND = "cap-bound", "触及上限", "hits the cap"
    FLOOR_RELEASED = "floor-released", "超过下限", "rises above the floor"


class StudyFile(StrEnum):
    """What is kept of a study; the answer itself is the JSON."""

    ANSWER = "study.json"
    TABLE = "study.csv"
    WORKBOOK = "study.xlsx"
    CHART_SVG = "chart.svg"
    CHART_PNG = "chart.png"


@dataclass(frozen=True, slots=True)
class RangeAsked:
    """A parameter of a clause at so many values, each a step above the one before."""

    path: str
    values: tuple[Fraction | int, ...]


@dataclass(frozen=True, slots=True)
class GridAsked:
    """Every pair of a rate and a cap; a budget draws the line between those that it covers and the others."""

    clause: str
    rates: tuple[Fraction, ...]
    caps: tuple[int, ...]
    budget_fen: int | None = None


@dataclass(frozen=True, slots=True)
class MeetAsked:
    """The largest rate, of the multiples of `step`, at which the whole year costs no more than the budget."""

    clause: str
    budget_fen: int
    step: Fraction


Asked = RangeAsked | GridAsked | MeetAsked


@dataclass(frozen=True, slots=True)
class Question:
    """Changes come first; a range, a grid or a meeting rate is asked of what they leave. `stated` is how it was asked."""

    changes: dict[str, Any]
    over: Asked | None
    stated: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kink:
    """Where the cost as a function of the rate changes its slope: `open_base` is what a higher rate multiplies from here."""

    rate: Fraction
    candidate: str
    enterprise: str
    name: str
    effect: KinkEffect
    open_base: Fraction

    def to_json(self) -> dict[str, Any]:
        """The rate as an exact fraction, and in percent to six places for reading; the base in exact yuan."""
        return {
            "rate": str(self.rate),
            "percent": percent_read(self.rate),
            "candidate": self.candidate,
            "enterprise": self.enterprise,
            "name": self.name,
            "effect": self.effect.value,
            "open_base": decimal_text(self.open_base / 100),
        }


def percent_read(rate: Fraction) -> str:
    """To six places, for people: `1.234568%`; the exact rate stands beside it."""
    millionths = (rate * 10**8).numerator // (rate * 10**8).denominator
    return f"{millionths // 10**6}.{millionths % 10**6:06d}".rstrip("0").rstrip(".") + "%"
