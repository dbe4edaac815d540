"""Rings of sellers in a graph of sales: money that comes back to where it began, nearly the same on every edge. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

MOST_STEPS = 3_000_000
"""Of one search: a bound on time (some seconds), not a policy; what it cuts off is said."""


class Sold(NamedTuple):
    """What one sold to another within a window."""

    seller: UUID
    buyer: UUID
    fen: int


class RingSearch(NamedTuple):
    """The rings that were found, each from its lowest member on; and whether the search came to its end."""

    rings: list[tuple[UUID, ...]]
    whole: bool


def find_rings(sold: Iterable[Sold], *, members: int, likeness: Fraction) -> RingSearch:
    """Every ring of two to `members` sellers of which the smallest edge is at least `likeness` of the largest."""
    part, whole = likeness.as_integer_ratio()
    edges = _cut_ends({(edge.seller, edge.buyer): edge.fen for edge in sold})
    by_seller: defaultdict[UUID, list[Sold]] = defaultdict(list)
    for (seller, buyer), fen in edges.items():
        by_seller[seller].append(Sold(seller, buyer, fen))
    found: list[tuple[UUID, ...]] = []
    steps = 0
    for start in sorted(by_seller):
        paths: list[tuple[tuple[UUID, ...], int, int]] = [
            ((start, edge.buyer), edge.fen, edge.fen) for edge in by_seller[start] if edge.buyer > start
        ]
        while paths:
            path, low, high = paths.pop()
            for edge in by_seller.get(path[-1], ()):
                steps += 1
                least, most = min(low, edge.fen), max(high, edge.fen)
                if least * whole < most * part:
                    continue
                if edge.buyer == start:
                    found.append(path)
                elif edge.buyer > start and len(path) < members and edge.buyer not in path:
                    paths.append(((*path, edge.buyer), least, most))
            if steps > MOST_STEPS:
                return RingSearch(found, whole=False)
    return RingSearch(found, whole=True)


def _cut_ends(edges: Mapping[tuple[UUID, UUID], int]) -> dict[tuple[UUID, UUID], int]:
    """Without what cannot lie on a ring: who only sells or only buys, again and again."""
    left = dict(edges)
    while True:
        sellers, buyers = {seller for seller, _ in left}, {buyer for _, buyer in left}
        both = sellers & buyers
        kept = {edge: fen for edge, fen in left.items() if edge[0] in both and edge[1] in both}
        if len(kept) == len(left):
            return kept
        left = kept


def edges_of(ring: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Seller and buyer of each edge."""
    return list(zip(ring, [*ring[1:], ring[0]], strict=True))
