"""A drawing of who sells to whom and who controls whom: SVG of our own, made of presentation attributes alone."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT, RADIUS = 420, 300, 24
_ROUND = 118
_BOW = Fraction(4, 25)
"""How far an arrow bows, as a part of its length."""
_UPRIGHT = Fraction(2, 5)
MARGIN = 66
_HEADS = Markup("<defs>{}{}</defs>").format(
    *(
        Markup(
            '<marker id="head-{0}" class="{0}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path d="M0 0 10 5 0 10z" fill="currentColor"/></marker>'
        ).format(kind)
        for kind in ("sale", "control")
    )
)
Place = tuple[float, float]


class Arrow(NamedTuple):
    """From one to another by their letters, with what it carries; a dashed one is control."""

    start: str
    end: str
    told: str
    dashed: bool = False


def around(letters: Sequence[str]) -> dict[str, Place]:
    """On a circle, the first on top."""
    turn = 2 * math.pi / max(len(letters), 1)
    return {
        letter: (WIDTH / 2 + _ROUND * math.sin(turn * place), HEIGHT / 2 - _ROUND * math.cos(turn * place))
        for place, letter in enumerate(letters)
    }


def below(letters: Sequence[str], controls: Sequence[tuple[str, str]]) -> dict[str, Place]:
    """As a tree: who controls stands above those that are controlled."""
    depth = dict.fromkeys(letters, 0)
    for _ in letters:  # a chain is no longer than all of them
        for above, under in controls:
            depth[under] = min(max(depth[under], depth[above] + 1), len(letters) - 1)
    rows = [[letter for letter in letters if depth[letter] == level] for level in sorted(set(depth.values()))]
    return {
        letter: (WIDTH * (at + 1) / (len(row) + 1), HEIGHT * (2 * level + 1) / (2 * len(rows)))
        for level, row in enumerate(rows)
        for at, letter in enumerate(row)
    }


def graph(places: Mapping[str, Place], arrows: Sequence[Arrow], title: str) -> Markup:
    """Nodes by their letters, arrows bowed apart, each with its label; the table beside it tells the names."""
    drawn = [_arrow(places, one) for one in arrows]
    nodes = [_node(letter, place) for letter, place in places.items()]
    labels = [_label(places, one) for one in arrows]
    high = [y for _, y in places.values()]
    top, tall = min(high) - MARGIN, max(high) - min(high) + 2 * MARGIN
    return Markup(
        '<svg class="graph" viewBox="0 {:.0f} {} {:.0f}" role="img" aria-label="{}">{}{}</svg>'
    ).format(top, WIDTH, tall, title, _HEADS, Markup("").join([*drawn, *nodes, *labels]))


def _bow(start: Place, end: Place) -> Place:
    """The middle of an arrow, moved to its left."""
    across, down = end[0] - start[0], end[1] - start[1]
    return (start[0] + end[0]) / 2 + _BOW * 2 * down, (start[1] + end[1]) / 2 - _BOW * 2 * across


def _rim(centre: Place, towards: Place) -> Place:
    """Where a line from a node's centre leaves its circle."""
    across, down = towards[0] - centre[0], towards[1] - centre[1]
    far = math.hypot(across, down) or 1
    return centre[0] + across / far * (RADIUS + 3), centre[1] + down / far * (RADIUS + 3)


def _arrow(places: Mapping[str, Place], one: Arrow) -> Markup:
    start, end = places[one.start], places[one.end]
    middle = _bow(start, end)
    points = [*_rim(start, middle), *middle, *_rim(end, middle)]
    path = "M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*points)
    kind = "control" if one.dashed else "sale"
    dashes = Markup(' stroke-dasharray="6 5"') if one.dashed else ""
    return Markup(
        '<path class="{}" d="{}" fill="none" stroke="currentColor" stroke-width="2" marker-end="url(#head-{})"{}/>'
    ).format(kind, path, kind, dashes)


def _node(letter: str, place: Place) -> Markup:
    x, y = place
    return Markup(
        '<circle class="node" cx="{0:.1f}" cy="{1:.1f}" r="{2}"/><text class="letter" x="{0:.1f}" y="{3:.1f}"'
        ' text-anchor="middle" font-size="19" font-weight="650">{4}</text>'
    ).format(x, y, RADIUS, y + 7, letter)


def _label(places: Mapping[str, Place], one: Arrow) -> Markup:
    """Outside the bow of its arrow, beginning or ending there."""
    start, end = places[one.start], places[one.end]
    across, down = end[0] - start[0], end[1] - start[1]
    far = math.hypot(across, down) or 1
    away_x, away_y = down / far, -across / far
    x = (start[0] + end[0]) / 2 + away_x * (_BOW * far + 9)
    y = (start[1] + end[1]) / 2 + away_y * (_BOW * far + 18)
    anchor = "middle" if abs(away_x) < _UPRIGHT else "start" if away_x > 0 else "end"
    return Markup(
        '<text class="told" x="{:.1f}" y="{:.1f}" text-anchor="{}" font-size="15">{}</text>'
    ).format(x, y + 5, anchor, one.told)
