"""What a question may ask over a range, what is found, and why an award changes, in both languages."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from datamarket.foundation.states import Labelled
from datamarket.subsidy.terms import decimal_text

WATERMARK = {"zh": "测算，不是决定", "en": "study, not a decision"}
STUDY_FORMAT = "subsidy-study/1"


class ChangeReason(Labelled):
    """The first stage at which two arms differ, or the fact that was changed."""

    CLAUSE = "clause", "条款不同", "another clause"
    LEFT_OUT = "left-out", "未计入该企业", "left out of the study"
    CONDITIONS = "conditions", "条件变化", "conditions"
    BASE = "base", "计奖基数变化", "another base"
    VENUE = "venue", "平台是否计入", "venues that count"
    PARTY = "party", "按卖方或买方计", "seller or buyer counted"
    TAX = "tax", "含税或不含税", "tax in or out"
    TIES = "ties", "并列规则变化", "rule for ties"
    RANK_IN = "rank-in", "进入名次", "now within the ranks"
    RANK_OUT = "rank-out", "退出名次", "no longer within the ranks"
    RANK = "rank", "名次规则变化", "ranking"
    RATE = "rate", "比例变化", "another rate"
    TIERS = "tiers", "分档变化", "other tiers"
    FLOOR = "floor", "下限起作用", "the floor"
    FLOOR_RELEASED = "floor-released", "下限不再起作用", "no longer lifted by the floor"
    CAP_BOUND = "cap-bound", "触及上限", "now bound by the cap"
    CAP_RELEASED = "cap-released", "不再受上限限制", "no longer bound by the cap"
    CAP = "cap", "上限变化", "another cap"
    ROUNDING = "rounding", "舍入变化", "rounding"
    STACKING = "stacking", "叠加规则（被其他奖补取代）", "displaced by another award"
    ENTERPRISE_CAP = "enterprise-cap", "企业上限", "the cap of an enterprise"
    BUDGET = "budget", "预算", "the budget"
    OTHER = "other", "其他", "other"


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
