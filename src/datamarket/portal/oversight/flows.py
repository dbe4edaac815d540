"""A flow of money as bands between two columns of nodes: places in a picture, from figures that the API answered."""

from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, GAP, NODE = 900, 420, 26, 14
LEFT, RIGHT = 170, 600
"""Where the columns of nodes stand; beside them are their names."""
PUBLIC = frozenset({"treasury", "institution", "vat_payable"})
"""What the public gets."""
SHOWN = ("income", "taxes_and_fees")


@dataclass(frozen=True)
class Band:
    """One part of the whole: its node on the right, and the curve that leads to it."""

    code: str
    label: str
    fen: int
    top: int
    height: int
    path: str

    @property
    def is_public(self) -> bool:
        return self.code in PUBLIC


@dataclass(frozen=True)
class Flow:
    """The whole on the left, and its parts on the right."""

    fen: int
    bands: tuple[Band, ...]
    height: int
    whole: tuple[int, int]


def flow_of(sections: dict[str, Any], language: str) -> Flow | None:
    """What was credited to each destination of a year's trades; none where nothing was."""
    lines = [
        line
        for code in SHOWN
        for line in sections.get(code, {"lines": []})["lines"]
        if line["credit_fen"] > 0
    ]
    total = sum(line["credit_fen"] for line in lines)
    if not total:
        return None
    gaps = GAP * (len(lines) - 1)
    bands, left, right = [], gaps // 2, 0
    for line in sorted(lines, key=lambda one: -one["credit_fen"]):
        size = max(line["credit_fen"] * (HEIGHT - gaps) // total, 1)  # a place in the picture, no amount
        curve = _curve(left, right, size)
        bands.append(Band(line["code"], line[f"label_{language}"], line["credit_fen"], right, size, curve))
        left, right = left + size, right + size + GAP
    return Flow(total, tuple(bands), right, (gaps // 2, left - gaps // 2))


def _curve(left: int, right: int, size: int) -> str:
    """The outline of a band of this height, from its place on the left to that on the right."""
    start, end, middle = LEFT + NODE, RIGHT, (LEFT + NODE + RIGHT) // 2
    there = f"M{start} {left}C{middle} {left} {middle} {right} {end} {right}V{right + size}"
    return f"{there}C{middle} {right + size} {middle} {left + size} {start} {left + size}Z"
