"""The text of each kind, word for word; and that no word of it changes without another edition."""

from pathlib import Path

import pytest

from datamarket.catalogue.terms import Category
from datamarket.contracts.kinds.terms import ClausePart, ContractClause, ContractKind
from datamarket.contracts.kinds.words import WORDS
from datamarket.contracts.text.wording import ARTICLES, OWN, SILENT, WORDING, text_of
from datamarket.foundation.states import Labelled
from tests.world.clauses import ANNEX, written

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("kind", ContractKind)
def test_the_text_of_a_kind_is_the_one_that_was_signed(kind: ContractKind) -> None:
    """A difference changes the digests of signed contracts: add an edition, and keep this one."""
    assert text_of(written(kind)) == (GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")


def test_a_word_that_signed_texts_have_is_not_changed() -> None:
    """New words are welcome; each that is here was signed upon."""
    kinds: list[type[Labelled]] = [ContractClause, ClausePart, Category, *WORDS.values()]
    now = {f"{kind.__name__} {word} {word.zh}" for kind in kinds for word in kind}
    assert set((GOLDEN / "words.txt").read_text(encoding="utf-8").splitlines()) <= now


def test_a_clause_stands_in_one_article_at_most_and_none_is_lost() -> None:
    placed = [clause for *_, clauses in ARTICLES for clause in clauses]
    assert len(placed) == len(set(placed))
    assert set(ContractClause) - set(placed) == {ContractClause.KIND, *OWN}
    fresh = {"a_clause_of_tomorrow": [{"days": 3, "scope": "全部"}]}
    text = text_of(written(ContractKind.PROVISION, annex=fresh))
    assert "\na_clause_of_tomorrow（1）·范围：「全部」\na_clause_of_tomorrow（1）·days：3\n" in text


def test_what_an_annex_says_in_the_words_of_a_default_is_another_text() -> None:
    silent = text_of(written(ContractKind.PROVISION, annex={}))
    said = text_of(written(ContractKind.PROVISION, annex={"territory": SILENT}))
    assert silent != said
    assert f"使用地域：「{SILENT}」" in said


@pytest.mark.parametrize("kind", ContractKind)
def test_each_kind_has_a_title_and_sides_of_its_own(kind: ContractKind) -> None:
    wording = WORDING[kind]
    assert wording.title == f"{kind.zh}合同"
    assert bool(wording.own) == (kind in ANNEX[kind])
    assert [other.title for other in WORDING.values()].count(wording.title) == 1
