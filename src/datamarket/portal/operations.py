"""The API's own document, as pages ask it: which operation a path is, what it takes and what it answers."""

import functools
import re
import threading
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from datamarket.foundation.http import API_PREFIX

Schema = dict[str, Any]
_HOLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Operation:
    """One method of one path below the API's prefix."""

    method: str
    template: str
    described: Schema

    @property
    def id(self) -> str:
        """`POST /contracts/{contract_id}/events`: by which its name is found."""
        return f"{self.method} {self.template}"

    @property
    def body(self) -> Schema | None:
        """The schema of what it takes as JSON; none where it takes nothing or a form."""
        content = self.described.get("requestBody", {}).get("content", {})
        schema: Schema | None = content.get("application/json", {}).get("schema")
        return schema

    @property
    def takes_key(self) -> bool:
        return any(given["name"] == "Idempotency-Key" for given in self.described.get("parameters", ()))

    @property
    def permission(self) -> str:
        """Whose role may ask it; nothing, where everyone may."""
        scopes = [
            scope for way in self.described.get("security", ()) for given in way.values() for scope in given
        ]
        return scopes[0] if scopes else ""

    @property
    def filters(self) -> list[Schema]:
        """What a list may be narrowed by."""
        given = self.described.get("parameters", ())
        return [one for one in given if one["in"] == "query" and one["name"] not in {"limit", "after"}]

    @property
    def answer(self) -> Schema | None:
        """The schema of its JSON answer; none where it answers a file."""
        answers = self.described["responses"]
        given: list[Schema] = [answers[code].get("content", {}) for code in ("200", "201") if code in answers]
        content = given[0] if given else {}
        schema: Schema | None = content.get("application/json", {}).get("schema")
        return schema


class ApiDocument:
    """All operations of an application."""

    def __init__(self, described: Schema) -> None:
        self._schemas: dict[str, Schema] = described["components"]["schemas"]
        self.operations = [
            Operation(method.upper(), path.removeprefix(API_PREFIX), operation)
            for path, methods in described["paths"].items()
            if path.startswith(API_PREFIX) and "/dsp/" not in path
            for method, operation in methods.items()
        ]
        self._known = [(_pattern(found.template), found) for found in self.operations]

    def find(self, path: str, *methods: str) -> Operation | None:
        """The operation of a path with one of these methods; a path of words goes before one with holes."""
        found = [
            known for pattern, known in self._known if known.method in methods and pattern.fullmatch(path)
        ]
        return min(found, key=lambda known: len(_HOLE.findall(known.template)), default=None)

    def below(self, template: str, method: str) -> list[Operation]:
        """Operations one word below a path."""
        return [
            known
            for known in self.operations
            if known.method == method and re.fullmatch(re.escape(template) + r"/[a-z.-]+", known.template)
        ]

    def nearest(self, path: str) -> str:
        """The path itself, or the nearest above it, at which there is something to read."""
        while path and not ((found := self.find(path, "GET")) and found.answer):
            path = path.rpartition("/")[0]
        return path

    def place_of(self, path: str, made: str) -> str | None:
        """Where one reads what was made at a path: below it, or in the list of all such things."""
        if self.find(f"{path}/{made}", "GET"):
            return f"{path}/{made}"
        lists = re.compile(rf".*/{path.rpartition('/')[2]}/" + _HOLE.pattern)
        found = [
            known.template
            for known in self.operations
            if known.method == "GET" and lists.fullmatch(known.template) and known.template.count("{") == 1
        ]
        return _HOLE.sub(made, found[0]) if found else None

    def name_of(self, schema: Schema) -> str | None:
        """What a schema that is referred to is called."""
        reference: str | None = schema.get("$ref")
        return reference.rpartition("/")[2] if reference else None

    def resolved(self, schema: Schema) -> Schema:
        """What a schema refers to; of an optional value, the value; of one of several documents, all that they may say."""
        if "$ref" in schema:
            return self.resolved(self._schemas[str(self.name_of(schema))])
        if "oneOf" in schema:
            return _joined([self.resolved(one) for one in schema["oneOf"]])
        one = self.present(schema)
        return one if one is schema else self.resolved(one)

    def present(self, schema: Schema) -> Schema:
        """Of a value or null, the value."""
        given = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        return given[0] if len(given) == 1 else schema


def _joined(alternatives: list[Schema]) -> Schema:
    """One document with the properties of several: each as the first asks it that does not forbid it."""
    properties: dict[str, Schema] = {}
    for one in alternatives:
        for name, schema in one.get("properties", {}).items():
            if properties.get(name, {"type": "null"}).get("type") == "null":
                properties[name] = schema
    required = set.intersection(*(set(one.get("required", ())) for one in alternatives))
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(
        "".join(re.escape(part) if at % 2 == 0 else "[^/]+" for at, part in enumerate(_HOLE.split(template)))
    )


_reading = threading.Lock()


def document_of(app: FastAPI) -> ApiDocument:
    """Read once, in a thread: it takes a second or two. Who asks meanwhile waits for the same."""
    with _reading:
        return _document_of(app)


@functools.cache
def _document_of(app: FastAPI) -> ApiDocument:
    return ApiDocument(app.openapi())
