"""Each of the seventy edge cases of the subsidy is proved by a test under its number, and by two only part by part."""

from tests.edges import LAST, proofs


def test_every_edge_case_is_proved() -> None:
    assert proofs().keys() == set(range(1, LAST + 1))


def test_a_case_that_several_tests_prove_is_proved_part_by_part() -> None:
    several = {number: found for number, found in proofs().items() if len(found) > 1}
    assert {
        number for number, found in several.items() if len({one.part for one in found}) < len(found)
    } == set()
    assert {number for number, found in several.items() if None in {one.part for one in found}} == set()
