"""What docs/ repeats from the code and from the scheme file is still what stands there."""

import runpy
from pathlib import Path

import pytest

from datamarket.subsidy.scheme.files import load_scheme, shipped_scheme

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generated() -> str:
    page: str = runpy.run_path(str(DOCS / "make_glossary.py"))["glossary"]()
    return page


def test_the_page_is_what_the_words_and_state_tables_give(generated: str) -> None:
    assert (DOCS / "glossary.md").read_text(encoding="utf-8") == generated, "run docs/make_glossary.py"


def test_every_label_stands_in_both_languages(generated: str) -> None:
    rows = [line for line in generated.splitlines() if line.startswith("| ")]
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


def test_every_state_of_a_diagram_has_a_chinese_name(generated: str) -> None:
    states = [line for line in generated.splitlines() if line.lstrip().startswith('state "')]
    assert states
    assert all(any("\u4e00" <= character <= "\u9fff" for character in state) for state in states)


def test_the_subsidy_page_repeats_every_interpretation_of_the_scheme() -> None:
    page = (DOCS / "subsidy.md").read_text(encoding="utf-8")
    scheme = load_scheme(shipped_scheme("qd-data-element"))
    told = [
        f"| {said.question.zh}<br>{said.question.en} | {said.choice.zh}<br>{said.choice.en} | {said.why.zh}<br>{said.why.en} |"
        for said in scheme.interpretations
    ]
    assert [row for row in told if row not in page] == []
