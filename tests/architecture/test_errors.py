"""A refusal has one stable code, and says the same in both languages."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import datamarket
from datamarket.edge.problems import status_of
from datamarket.foundation.errors import MarketError
from datamarket.slices import constraint_errors, files

_CODE = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
FAMILIES = {"Invalid", "Unauthenticated", "Forbidden", "Conflict", "Refused", "Stale", "Unavailable"}
UNDOTTED = {"internal", "not-found"}
"""Codes of the whole market, not of a slice."""


def every_error() -> list[type[MarketError]]:
    for module in pkgutil.walk_packages(datamarket.__path__, "datamarket."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [error for error in _below(MarketError) if error.__name__ not in FAMILIES]


def _below(error: type[MarketError]) -> Iterator[type[MarketError]]:
    for inner in error.__subclasses__():
        yield inner
        yield from _below(inner)


def facts_of(sentence: str, language: str) -> set[str]:
    """The names in a sentence; what is itself said in two languages is given as `name_zh` and `name_en`."""
    fields = {field for _, field, _, _ in Formatter().parse(sentence) if field is not None}
    return {field.removesuffix(f"_{language}") for field in fields}


ERRORS = every_error()


def test_a_code_names_one_error() -> None:
    codes = [error.code for error in ERRORS if "code" in error.__dict__]
    assert len(codes) > 100
    assert {code for code in codes if codes.count(code) > 1} == set()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_said_in_chinese_and_in_english_with_the_same_facts(error: type[MarketError]) -> None:
    assert _CODE.fullmatch(error.code)
    assert "." in error.code or error.code in UNDOTTED
    assert _CHINESE.search(error.zh)
    assert error.zh.endswith("。")
    assert error.en.strip()
    assert not _CHINESE.search(error.en)
    assert error.en.endswith(".")
    facts = facts_of(error.zh, "zh")
    assert facts == facts_of(error.en, "en")
    assert all(fact.isidentifier() for fact in facts)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_belongs_to_a_family_that_has_a_status(error: type[MarketError]) -> None:
    answered = status_of(error.__new__(error))
    assert 400 <= answered <= 503
    assert (answered == 500) == (error.code in {"internal", "idempotency.replayed"})


def test_a_constraint_means_one_error_in_the_whole_market() -> None:
    named = [name for tables in files("tables") for name in getattr(tables, "ERRORS", {})]
    assert {name for name in named if named.count(name) > 1} == set()


def test_the_database_knows_every_constraint_that_means_an_error() -> None:
    """Named in a table of a revision, or raised by a function of a room."""
    root = Path(datamarket.__path__[0])
    files = [*(root / "migrations" / "sql").glob("*.sql"), *root.rglob("functions.sql")]
    sql = "".join(path.read_text(encoding="utf-8") for path in files)
    unknown = {name for name in constraint_errors() if not re.search(rf"\b{name}\b", sql)}
    assert {name for name in unknown if not name.endswith(("_pkey", "_fkey"))} == set()


def test_what_a_constraint_means_needs_no_facts() -> None:
    """The database says which constraint, and nothing else."""
    for name, error in constraint_errors().items():
        assert facts_of(error.zh, "zh") == set(), name
        assert error().sentence("zh")
