"""Every field, operation and sentence of the portal has its words in both languages, and none is left over."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from fastapi import FastAPI

from datamarket.portal.operations import ApiDocument, Schema, document_of
from datamarket.portal.words.tongues import Tongue, names

PORTAL = resources.files("datamarket.portal")
_TWO = ("_zh", "_en")
_HOLE = re.compile(r"%\((\w+)\)s")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def document(app: FastAPI) -> ApiDocument:
    return document_of(app)


def stem(name: str) -> str:
    return name[:-3] if name.endswith(_TWO) else name


def text_of(name: str) -> str:
    return PORTAL.joinpath("words", name).read_text("utf-8")


def test_every_property_parameter_and_operation_has_one_name_in_each_language(document: ApiDocument) -> None:
    fields = {stem(name) for name in met(document)} | {"zh", "en"}
    operations = {operation.id for operation in document.operations}
    assert set(names()) == fields | operations
    written = [line.partition(": [")[0] for line in text_of("fields.yaml").splitlines() if ": [" in line]
    assert [name for name, times in Counter(written).items() if times > 1] == []
    for name, both in names().items():
        assert [isinstance(word, str) and bool(word.strip()) for word in both] == [True, True], name
        assert _CHINESE.search(both[0]), name
        assert not _CHINESE.search(both[1]), name


def met(document: ApiDocument) -> Iterator[str]:
    """The names of all that is asked and answered, however deep it stands."""
    seen: set[str] = set()
    for operation in document.operations:
        yield from (
            given["name"] for given in operation.described.get("parameters", ()) if given["in"] == "query"
        )
        yield from _inside(document, operation.described, seen)


def _inside(document: ApiDocument, told: Any, seen: set[str]) -> Iterator[str]:
    if isinstance(told, list):
        for part in told:
            yield from _inside(document, part, seen)
    if not isinstance(told, dict):
        return
    name = document.name_of(told) if "/schemas/" in told.get("$ref", "") else None
    if name and name not in seen:
        seen.add(name)
        yield from _inside(document, document.resolved(told), seen)
    yield from told.get("properties", {})
    for word, part in told.items():
        if word not in {"example", "examples"}:
            yield from _inside(document, part, seen)


def test_every_list_shows_columns_that_its_items_have(document: ApiDocument) -> None:
    declared: dict[str, list[str]] = yaml.safe_load(text_of("columns.yaml"))
    lists = {
        found.template: items
        for found in document.operations
        if found.method == "GET" and (items := items_of(document, found.answer))
    }
    assert set(declared) == set(lists)
    for path, columns in declared.items():
        assert 2 <= len(columns) <= 7, path
        assert set(columns) <= {stem(name) for name in lists[path]}, path


def items_of(document: ApiDocument, answer: Schema | None) -> Schema | None:
    items = document.resolved(answer or {}).get("properties", {}).get("items")
    return document.resolved(items["items"])["properties"] if items else None


def test_a_name_in_two_languages_is_called_by_its_stem() -> None:
    assert [Tongue("zh").name("name_en"), Tongue("en").name("name_zh")] == ["名称（英文）", "Name (Chinese)"]
    assert Tongue("en").name("no_such_field") == "no such field"


def sentences_asked() -> set[str]:
    """What templates and modules say in Chinese."""
    asked: set[str] = set()
    for template in Path(str(PORTAL.joinpath("templates"))).rglob("*.html"):
        found = extract(
            "jinja2", BytesIO(template.read_bytes()), options={"silent": "false", "newstyle_gettext": "true"}
        )
        for _line, message, _comments, _context in found:
            asked |= {message} if isinstance(message, str) else {part for part in message if part}
    return asked


def test_every_sentence_has_its_english_with_the_same_holes_and_none_is_orphaned() -> None:
    read = read_po(BytesIO(text_of("en.po").encode()), locale="en", abort_invalid=True)
    english = {message.id: message.string for message in read if message.id}
    written = Counter(re.findall(r'^msgid "(.+)"$', text_of("en.po"), re.MULTILINE))
    assert [sentence for sentence, times in written.items() if times > 1] == []
    assert set(english) == sentences_asked()
    for chinese, other in english.items():
        assert isinstance(other, str)
        assert other, chinese
        assert not _CHINESE.search(other), other
        assert set(_HOLE.findall(str(chinese))) == set(_HOLE.findall(other)), chinese
