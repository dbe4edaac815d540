"""The tree of RFC 6962: leaves are hashed under 0x00, nodes under 0x01; a tree of n splits at the largest 2^k < n.

Nothing here reads or writes: ranges of leaves in, hashes out.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

TILE = 256
TILE_LEVEL = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


class Node(NamedTuple):
    """The root of the complete subtree over leaves [position · 2^level, (position + 1) · 2^level)."""

    level: int
    position: int
    hash: bytes


class LeafRange(NamedTuple):
    """The leaves [first, first + size)."""

    first: int
    size: int


def leaf_hash(content: bytes) -> bytes:
    return _sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a complete level: as many hashes as a power of two."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [_sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]


def split_at(size: int) -> int:
    """The largest power of two below `size`, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


class Frontier:
    """The complete subtrees along the right edge of a growing tree, largest first: all that growing needs."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)

    def extend(self, hashes: Sequence[bytes]) -> list[Node]:
        """Add leaves; the subtrees of 256, 256² … leaves that are complete with them."""
        complete: list[Node] = []
        position = 0
        while position < len(hashes):
            if self.size % TILE == 0 and len(hashes) - position >= TILE:
                self._push(TILE_LEVEL, fold(hashes[position : position + TILE]), complete)
                position += TILE
            else:
                self._push(0, hashes[position], complete)
                position += 1
        return complete

    def _push(self, level: int, top: bytes, complete: list[Node]) -> None:
        index = self.size >> level
        self.size += 1 << level
        while True:
            if level and level % TILE_LEVEL == 0:
                complete.append(Node(level, index, top))
            if not index & 1:
                break
            top, index, level = node_hash(self.peaks.pop(), top), index >> 1, level + 1
        self.peaks.append(top)

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node_hash(peak, top)
        return top


def inclusion_ranges(index: int, size: int) -> list[LeafRange]:
    """The subtrees whose roots prove leaf `index` of a tree of `size`, from the leaf upwards (RFC 9162, 2.1.3)."""
    path: list[LeafRange] = []
    first = 0
    while size > 1:
        half = split_at(size)
        if index - first < half:
            path.append(LeafRange(first + half, size - half))
            size = half
        else:
            path.append(LeafRange(first, half))
            first, size = first + half, size - half
    return path[::-1]


def root_from(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that the path of an inclusion proof leads to (RFC 9162, 2.1.3.2); None where its length is wrong."""
    ranges = inclusion_ranges(index, size) if 0 <= index < size else []
    if len(ranges) != len(path) or not 0 <= index < size:
        return None
    top = leaf
    for beside, step in zip(ranges, path, strict=True):
        top = node_hash(top, step) if beside.first > index else node_hash(step, top)
    return top


def has_grown(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether a tree, size and root, begins with an older one, as the path says (RFC 9162, 2.1.4.2)."""
    if not 0 < old[0] <= new[0]:
        return False
    whole = old[0] & (old[0] - 1) == 0 or old[0] == new[0]
    steps = [old[1], *path] if whole else list(path)  # a whole subtree is not told again
    try:
        return _tops(old[0], new[0], steps) == (old[1], new[1])
    except (IndexError, ValueError):
        return False


def _tops(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees that a consistency path leads to. Raises IndexError or ValueError for one too short or long."""
    if old == new:
        [top] = path
        return top, top
    half = split_at(new)
    if old > half:
        first, second = _tops(old - half, new - half, path[:-1])
        return node_hash(path[-1], first), node_hash(path[-1], second)
    first, second = _tops(old, half, path[:-1])
    return first, node_hash(second, path[-1])


def consistency_ranges(old: int, new: int) -> list[LeafRange]:
    """The subtrees whose roots prove that a tree of `old` leaves grew into one of `new` (RFC 9162, 2.1.4)."""
    path: list[LeafRange] = []
    first, size, whole = 0, new, True
    while old < size:
        half = split_at(size)
        if old <= half:
            path.append(LeafRange(first + half, size - half))
            size = half
        else:
            path.append(LeafRange(first, half))
            first, size, old, whole = first + half, size - half, old - half, False
    if not whole:
        path.append(LeafRange(first, size))
    return path[::-1]
