"""Words to search by, in Chinese and in English: what a listing is found by, and what a text asks for."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
_TOKEN = re.compile(f"([{_CJK}]+)|((?:(?![{_CJK}])[^\\W_])+)")
LONGEST_WORD = 64


@dataclass(frozen=True)
class Wanted:
    """What a text asks for: every term must stand in the listing, and every run of Chinese unbroken."""

    terms: tuple[str, ...]
    runs: tuple[str, ...]


def runs_and_words(text: str) -> tuple[list[str], list[str]]:
    """The runs of Chinese characters, and the words of other scripts, both folded (full width, case)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    runs, words = [], []
    for run, word in _TOKEN.findall(folded):
        if run:
            runs.append(run)
        else:
            words.append(word[:LONGEST_WORD])
    return runs, words


def search_terms(text: str) -> frozenset[str]:
    """Every term by which a text is found: Chinese characters, neighbouring pairs of them, folded words."""
    runs, words = runs_and_words(text)
    return frozenset([*words, *(term for run in runs for term in (*run, *_pairs(run)))])


def wanted(text: str) -> Wanted:
    """The fewest terms that settle almost all: pairs say more than characters; runs settle the rest."""
    runs, words = runs_and_words(text)
    terms = dict.fromkeys([*words, *(term for run in runs for term in _pairs(run) or [run])])
    return Wanted(tuple(terms), tuple(dict.fromkeys(run for run in runs if len(run) > 2)))


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)]


def phrases(text: str) -> str:
    """All runs of Chinese of a text, apart: a run stands in the text if and only if it stands in here."""
    return " ".join(runs_and_words(text)[0])


def name_key(name_zh: str) -> bytes:
    """The order of names: GB 18030 puts digits, then Latin, then the common characters by pinyin."""
    return name_zh.strip().casefold().encode("gb18030", "replace")[:200]


def lexemes(terms: Iterable[str]) -> str:
    """Terms as the text of a tsvector."""
    return " ".join(_quoted(term) for term in sorted(terms))


def all_of(terms: Iterable[str]) -> str:
    """Terms as the text of a tsquery that wants them all."""
    return " & ".join(_quoted(term) for term in terms)


def _quoted(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def filter_terms(**chosen: object) -> list[str]:
    """Filters are terms too (`category:ocean`): no word of a text holds a colon."""
    return [f"{name}:{value}" for name, value in chosen.items() if value is not None]
