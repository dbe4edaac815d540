"""The policy staff's worked examples hold, and a false one is told apart from a true one."""

from pathlib import Path

import pytest

from tests.cases.builders import FOLDER, scheme_bytes
from tests.cases.worked_examples import Example, ExamplesInvalid, read_examples, run_example

EXAMPLES = [
    (file.stem, example)
    for file in sorted(FOLDER.glob("*.yaml"))
    for example in read_examples(file.read_bytes())
]


@pytest.mark.parametrize(
    "example", [pytest.param(example, id=f"{stem}: {example.name}") for stem, example in EXAMPLES]
)
def test_the_worked_example_holds(example: Example) -> None:
    assert run_example(example, scheme_bytes).differences == ()


def differences(expect: str, given: str = '{enterprises: [{id: A, net_platform_turnover: "100.00"}]}') -> str:
    """What a case with this expectation is told."""
    text = f"- {{name: x, scheme: qd-data-element, year: 2024, given: {given}, expect: {expect}}}"
    (example,) = read_examples(text.encode())
    return "; ".join(run_example(example, scheme_bytes).differences)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ('{awards: {A: "1.01"}}', "A: expected 1.01, found 1.00"),
        ('{awards: {B: "1.00"}}', "B: expected 1.00, found no line"),
        ('{total: "0.99"}', "total: expected 0.99, found 1.00"),
        ("{ties_at_cut: 1}", "ties at the cut: expected 1, found 0"),
        ("{statuses: {A: held}}", "status of A"),
        ("{cap_bound: [A]}", "cap-bound"),
        ("{refused: subsidy.tie-at-cut}", "refused: expected subsidy.tie-at-cut, found None"),
    ],
)
def test_every_wrong_figure_is_listed(expect: str, said: str) -> None:
    assert said in differences(expect)


@pytest.mark.parametrize(
    "given", ["{enterprises: [{id: A, net_platform_turnover: 1}]}", "{enterprises: [{id: A, turnover: x}]}"]
)
def test_a_row_that_is_no_fact_is_a_difference_not_a_crash(given: str) -> None:
    assert "not a" in differences("{}", given)


def test_an_unexpected_refusal_is_told_by_its_code() -> None:
    text = '- {name: x, scheme: qd-data-element, year: 1999, given: {}, expect: {total: "0.00"}}'
    (example,) = read_examples(text.encode())
    assert run_example(example, scheme_bytes).differences == (
        "refused: expected None, found subsidy.year-not-covered",
    )


@pytest.mark.parametrize(
    ("content", "line"), [("- name: x\n  scheme: y\n  yeer: 2024\n", 1), ("- a: 1\n  a: 2\n", 2)]
)
def test_a_damaged_file_of_examples_names_its_line(content: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(ExamplesInvalid) as refused:
        read_examples(content.encode())
    assert refused.value.facts["line"] == line
