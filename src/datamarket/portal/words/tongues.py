"""The words of pages: sentences in both languages, names of fields and operations, and labels of the market's own words.

Templates speak Chinese, the source; `en.po` holds the English, `fields.yaml` the names of the API's fields.
"""

import functools
from importlib import resources
from io import BytesIO
from typing import Any

import yaml
from babel.messages.pofile import read_po

from datamarket import slices
from datamarket.foundation.errors import Language
from datamarket.foundation.states import Labelled

LANGUAGES: tuple[Language, ...] = ("zh", "en")


def _read(name: str) -> bytes:
    return resources.files("datamarket.portal").joinpath(name).read_bytes()


@functools.cache
def sentences() -> dict[str, str]:
    """Chinese → English."""
    catalogue = read_po(BytesIO(_read("words/en.po")), locale="en")
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}


@functools.cache
def names() -> dict[str, tuple[str, str]]:
    """What a field of the API is called, in both languages; `operation` names are `GET /things`."""
    read: dict[str, tuple[str, str]] = yaml.safe_load(_read("words/fields.yaml"))
    return read


@functools.cache
def events() -> dict[str, tuple[str, str]]:
    """What the button of an event says, in both languages: of a noun's own, `Noun.event`."""
    read: dict[str, tuple[str, str]] = yaml.safe_load(_read("words/events.yaml"))
    return read


@functools.cache
def vocabularies() -> dict[str, type[Labelled]]:
    """Every enumeration whose words have labels, by its name."""
    slices.files("terms")  # each is known once it is read
    return {kind.__name__: kind for kind in Labelled.__subclasses__()}


@functools.cache
def _labels() -> dict[str, tuple[str, str]]:
    """Tongue that are labelled alike wherever they occur."""
    found: dict[str, set[tuple[str, str]]] = {}
    for kind in vocabularies().values():
        for word in kind:
            found.setdefault(word.value, set()).add(word.labels)
    return {word: labels.pop() for word, labels in found.items() if len(labels) == 1}


class Tongue:
    """One language."""

    def __init__(self, language: Language) -> None:
        self.language, self._at = language, LANGUAGES.index(language)

    def sentence(self, chinese: str) -> str:
        return chinese if self._at == 0 else sentences().get(chinese, chinese)

    def plural(self, one: str, many: str, count: int) -> str:
        return self.sentence(one if count == 1 else many)

    def name(self, field: str) -> str:
        """What a field is called; `name_zh` and `name_en` by their stem, one without a name as it is written."""
        if known := names().get(field):
            return known[self._at]
        stem, _, tongue = field.rpartition("_")
        if stem and tongue in LANGUAGES and stem in names():
            return (f"{self.name(stem)}（{self.name(tongue)}）", f"{self.name(stem)} ({self.name(tongue)})")[
                self._at
            ]
        return field.replace("_", " ")

    def label(self, word: str, kind: str | None = None) -> str:
        """A word of the market, as its enumeration labels it."""
        enumeration = vocabularies().get(kind) if kind else None
        if enumeration is not None and word in set(enumeration):
            return enumeration(word).labels[self._at]
        told = events().get(f"{(kind or '').removesuffix('Event')}.{word}") or events().get(word)
        known = told if told and (kind or "").endswith("Event") else _labels().get(word) or told
        return known[self._at] if known else word

    def of(self, thing: dict[str, Any] | None, stem: str = "name") -> str:
        """`{name_zh, name_en}` in this language, the other where one is missing."""
        if thing is None:
            return "–"
        both = [thing.get(f"{stem}_{language}") for language in LANGUAGES]
        return str(both[self._at] or both[1 - self._at] or thing.get(stem) or "–")
