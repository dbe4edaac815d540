"""What a reviewer must look at: flags on lines and rings of sellers; nothing here changes an award. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from datamarket.foundation import money
from datamarket.foundation.documents.plain_yaml import read_plain_yaml
from datamarket.foundation.states import Labelled
from datamarket.subsidy.terms import Line, LineStatus, StepKind


class Flag(Labelled):
    """Why a line is shown to the reviewer."""

    TIE = "tie", "入围线处并列", "tie across the cut"
    NEAR_CUT = "near_cut", "临近入围线", "near the cut"
    CAP_BOUND = "cap-bound", "触及上限", "bound by the cap"
    HELD = "held", "资料不全", "facts missing"
    RELATED_PARTY = "related-party", "关联交易占比高", "large share of related-party trades"
    CIRCULAR = "circular", "疑似循环交易", "possibly circular trades"
    ALIKE = "alike", "疑似与另一案例为同一项目", "possibly the same project as another case"


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """The thresholds of `review.yaml`."""

    before_cut: int
    after_cut: int
    related_share: Fraction
    ring_sellers: int
    ring_share: Fraction
    most_rings: int
    alike: Fraction


@dataclass(frozen=True, slots=True)
class Edge:
    """What one seller sold to one buyer in the year, net of refunds."""

    seller: str
    buyer: str
    amount_fen: int
    trades: int


Ring = tuple[Edge, ...]


@cache
def review_rules() -> ReviewRules:
    """As shipped."""
    rules = read_plain_yaml((resources.files("datamarket.subsidy.facts") / "review.yaml").read_bytes()).value
    return ReviewRules(
        before_cut=rules["near_cut"]["before"],
        after_cut=rules["near_cut"]["after"],
        related_share=money.parse_rate(rules["related_share"]["above"]),
        ring_sellers=rules["rings"]["sellers"],
        ring_share=money.parse_rate(rules["rings"]["share"]),
        most_rings=rules["rings"]["most"],
        alike=money.parse_rate(rules["alike"]["titles"]),
    )


def flags_of(line: Line, *, circular: bool, alike: bool = False, rules: ReviewRules) -> list[Flag]:
    """Every reason to look at a line again; a line that is out for other reasons shows none."""
    doubtful = [Flag.ALIKE] if alike else []
    if line.status is LineStatus.HELD:
        return [Flag.HELD, *doubtful]
    if line.status is LineStatus.INELIGIBLE:
        return []
    flags = doubtful
    for step in line.steps_of(StepKind.RANK):
        top = int(step.figures["top"] or 0)
        if step.figures["tied_at_cut"]:
            flags.append(Flag.TIE)
        if line.rank is not None and top - rules.before_cut < line.rank <= top + rules.after_cut:
            flags.append(Flag.NEAR_CUT)
    if line.cap_bound:
        flags.append(Flag.CAP_BOUND)
    if line.amount_fen > 0 or flags:
        flags += [Flag.RELATED_PARTY] if _much_related(line, rules.related_share) else []
        flags += [Flag.CIRCULAR] if circular else []
    return flags


def _much_related(line: Line, share: Fraction) -> bool:
    for step in line.steps_of(StepKind.BASE):
        related = int(step.figures.get("related_party_turnover_fen") or 0)
        sold = (line.base_fen or 0) + int(step.figures.get("refunds_fen") or 0) + related
        return related > share * sold
    return False


def distinct_rings(found: Sequence[Ring]) -> list[Ring]:
    """Each ring once, told from its lowest code, the largest first: A→B→C→A and B→C→A→B are one."""
    rings = {}
    for ring in found:
        start = min(range(len(ring)), key=lambda index: ring[index].seller)
        turned = (*ring[start:], *ring[:start])
        rings[tuple(edge.seller for edge in turned)] = turned
    return [rings[key] for key in sorted(rings, key=lambda key: (-smallest(rings[key]), key))]


def smallest(ring: Ring) -> int:
    """What may have gone all the way round."""
    return min(edge.amount_fen for edge in ring)


def circular_turnover(rings: Sequence[Ring]) -> dict[str, int]:
    """Of each seller, the sales that lie on some ring; an edge on two rings counts once."""
    edges = {(edge.seller, edge.buyer): edge.amount_fen for ring in rings for edge in ring}
    totals: dict[str, int] = {}
    for (seller, _), amount in edges.items():
        totals[seller] = totals.get(seller, 0) + amount
    return totals


def ring_document(ring: Ring) -> dict[str, Any]:
    """The evidence that is stored: who sold what to whom."""
    return {
        "smallest_fen": smallest(ring),
        "edges": [asdict(edge) for edge in ring],
    }
