"""What is refused is told wholly in Chinese or wholly in English, and never as Python would write it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

import datamarket
from datamarket.auth.access import NotPermitted
from datamarket.auth.terms import Permission
from datamarket.auth.tokens import TokenFault, TokenInvalid
from datamarket.catalogue.listings.rules import ListingFixed
from datamarket.catalogue.listings.terms import ListingState
from datamarket.edge.problems import FAULTS_ZH, faults_of
from datamarket.foundation.errors import THINGS_ZH, NotFound
from datamarket.foundation.http import Body
from tests.architecture.test_errors import ERRORS, facts_of
from tests.architecture.test_routes import routes
from tests.edge.test_hostile_requests import TEXTS, VALUES
from tests.edge.test_texts import texts

ROOT = Path(datamarket.__path__[0])
OWN = {"value_error", "text_unseen", "text_blank"}
"""Faults that say themselves in both languages."""
MORE = [
    "2024-13-01",
    "\u200d",
    "2024-06-03T25:00:00Z",
    "0001-01-01T00:00:00Z",
    "zz",
    "x" * 5000,
    ["x"] * 200,
    {"zz": 1},
]
NAMES = re.compile(
    r"'[^']*'|UUID|RFC 3339|true|false|yyyy-mm-dd|U\+[0-9A-F]+|\d[\d:T.+-]+|purpose|quantity|use_id"
)
"""What both languages write alike: codes in quotes, standards, JSON, instants, fields."""
CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
PYTHON = re.compile(r"datetime\.|Value error|<[A-Za-z]|object at|\bNone\b|Decimal\(|UUID\(|Error\b")


def found_in_bodies() -> Iterator[list[Any]]:
    """What each field of each body says of each value, and each body of being none."""
    for name, kind in texts():
        for value in [*VALUES, *TEXTS, *MORE, [{"x": 1}]]:
            try:
                TypeAdapter(kind).validate_python(value)
            except ValidationError as error:
                yield [fault | {"loc": ("body", name)} for fault in error.errors()]
    shapes = [Body]
    for shape in shapes:
        shapes += shape.__subclasses__()
        for whole in ({}, {"zz": 1}, "open", None, {"contract_id": "018fdc6e-0c00-7000-8000-000000000001"}):
            try:
                shape.model_validate(whole)
            except ValidationError as error:
                yield list(error.errors())


def found_in_parameters() -> Iterator[list[Any]]:
    for _, route in routes():
        for field in get_flat_params(route.dependant):
            for text in [*TEXTS, *map(str, MORE)]:
                _, faults = field.validate(text, {}, loc=("query", field.alias))
                if faults:
                    yield list(faults)


def test_each_fault_that_a_shape_can_find_is_said_in_either_language_alone() -> None:
    kinds = set()
    for faults in (*found_in_bodies(), *found_in_parameters()):
        error = RequestValidationError(faults)
        for zh, en in zip(faults_of(error, "zh"), faults_of(error, "en"), strict=True):
            kinds.add(zh.code)
            assert zh.code == en.code
            assert CHINESE.search(zh.message), zh
            assert not re.search(r"[A-Za-z]{2}", NAMES.sub("", zh.message)), zh
            assert not CHINESE.search(en.message), en
            assert not PYTHON.search(zh.message + en.message), (zh, en)
    assert len(kinds) > 25
    assert kinds - set(FAULTS_ZH) == OWN


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Each call in the source, with the name of what is called."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node, name


def test_a_fact_of_a_refusal_is_no_phrase_of_one_language() -> None:
    """A phrase is a `Labelled` word, or two facts, `…_zh` and `…_en`; and so is a name that has two."""
    errors = {error.__name__: error for error in ERRORS if error is not NotFound}
    seen, wrong = 0, []
    for place, node, name in calls():
        shared = (
            facts_of(errors[name].zh, "none") & facts_of(errors[name].en, "none") if name in errors else set()
        )
        for fact in node.keywords:
            if fact.arg in shared and "ValueFault(" not in ast.unparse(fact.value):
                seen += 1
                said = " ".join(
                    str(part.value) for part in ast.walk(fact.value) if isinstance(part, ast.Constant)
                )
                if re.search(r"[A-Za-z]{3}", said) or re.search(r"_(zh|en)$", ast.unparse(fact.value)):
                    wrong.append((place, ast.unparse(node)))
    assert seen > 80
    assert wrong == []


def test_a_state_is_told_by_its_label() -> None:
    """Given as the word itself, not as the text of a column."""
    errors = {error.__name__ for error in ERRORS}
    bare = [
        (place, ast.unparse(node))
        for place, node, name in calls()
        for fact in node.keywords
        if name in errors
        and fact.arg == "state"
        and isinstance(fact.value, ast.Attribute)
        and "authorisation" not in ast.unparse(fact.value)  # a frozen value, whose state is the word
    ]
    assert bare == []
    refusal = ListingFixed(state=ListingState.SUSPENDED)
    assert ListingState.SUSPENDED.zh in refusal.sentence("zh")
    assert ListingState.SUSPENDED.en in refusal.sentence("en")


def test_whatever_is_looked_for_has_a_chinese_name() -> None:
    looked_for = set()
    for _, node, name in calls():
        if name in {"one_row", "get_row", "lock_row", "there", "NotFound"}:
            given = [*node.args[-1:], *(fact.value for fact in node.keywords if fact.arg == "thing")]
            looked_for |= {part.value for part in given if isinstance(part, ast.Constant)}
    assert len(looked_for) > 25
    assert looked_for == set(THINGS_ZH)
    assert NotFound(thing="trade").sentence("zh") == "未找到该交易，或您无权查看。"
    assert NotFound(thing="trade").sentence("en") == "There is no such trade, or it is not yours to see."


@pytest.mark.parametrize("fault", TokenFault)
def test_what_is_wrong_with_a_token_is_said_in_both_languages(fault: TokenFault) -> None:
    assert TokenInvalid(reason=fault).sentence("zh") == f"访问令牌无效：{fault.zh}。"
    assert TokenInvalid(reason=fault).sentence("en") == f"The access token is not valid: {fault.en}."
    assert f"“{Permission.READ_SELF}”" in NotPermitted(permission=Permission.READ_SELF).sentence("zh")
