"""Trees of any size: growing in any steps, proofs that hold, and none that hold for anything else."""

import hashlib
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamarket.evidence.log.merkle import (
    TILE,
    Frontier,
    LeafRange,
    Node,
    consistency_ranges,
    fold,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    split_at,
)
from tests.world.sealing import tool

SIZES = st.integers(1, 1100)


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return tool()


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def root(hashes: list[bytes]) -> bytes:
    """As the RFC writes it down."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    half = split_at(len(hashes))
    return node_hash(root(hashes[:half]), root(hashes[half:]))


def roots(hashes: list[bytes], ranges: list[LeafRange]) -> list[bytes]:
    return [root(hashes[of.first : of.first + of.size]) for of in ranges]


@given(size=st.integers(0, 1100), steps=st.lists(st.integers(1, 400), max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_tree_grows_in_any_steps_to_the_same_root(size: int, steps: list[int]) -> None:
    hashes = leaves(size)
    tree, done, nodes = Frontier(), 0, list[Node]()
    for step in [*steps, size]:
        nodes += Frontier(tree.size, tree.peaks).extend([])
        nodes += tree.extend(hashes[done : done + step])
        done = min(done + step, size)
    assert (tree.size, tree.root()) == (size, root(hashes))
    assert len(tree.peaks) == size.bit_count()
    whole = [
        Node(8, number, fold(hashes[number * TILE : (number + 1) * TILE])) for number in range(size // TILE)
    ]
    assert nodes == whole


@given(size=SIZES, data=st.data())
@settings(deadline=None, max_examples=80)
def test_a_leaf_is_proved_to_be_where_it_is_and_nowhere_else(
    checker: ModuleType, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    path = roots(hashes, inclusion_ranges(index, size))
    assert checker.root_from(index, size, hashes[index], path) == root(hashes)
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda other: other != index)) if size > 1 else None
    if elsewhere is not None:
        assert checker.root_from(elsewhere, size, hashes[index], path) != root(hashes)
    assert checker.root_from(index, size, leaf_hash(b"other"), path) != root(hashes)
    assert checker.root_from(index, size, hashes[index], [*path, hashes[0]]) is None


@given(sizes=st.tuples(SIZES, SIZES).map(sorted), data=st.data())
@settings(deadline=None, max_examples=80)
def test_a_tree_is_proved_to_begin_with_an_earlier_one_and_with_no_other(
    checker: ModuleType, sizes: list[int], data: st.DataObject
) -> None:
    old, new = sizes
    hashes = leaves(new)
    before, after = root(hashes[:old]), root(hashes)
    path = roots(hashes, consistency_ranges(old, new))
    assert checker.grew(old, new, before, after, path)
    changed = list(hashes)
    changed[data.draw(st.integers(0, old - 1))] = leaf_hash(b"changed")
    rewritten = root(changed)
    forged = roots(changed, consistency_ranges(old, new))
    assert not checker.grew(old, new, before, rewritten, forged)
    assert not checker.grew(old, new, before, after, [*path, before])


@given(one=st.tuples(*[st.binary(max_size=6)] * 2), other=st.tuples(*[st.binary(max_size=6)] * 2))
def test_two_rows_never_share_the_bytes_of_a_leaf(
    checker: ModuleType, one: tuple[bytes, bytes], other: tuple[bytes, bytes]
) -> None:
    assert (checker.packed(*one) == checker.packed(*other)) == (one == other)
